import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Operation, type Answer } from '@countersign/service-kit';
import { notImplemented } from './scim-problem';

/** An API key is nobody's account, so there is no "me": 501 (RFC 7644 §3.11). */
@Controller('scim/v2/Me')
export class MeController {
  @Get()
  @Operation({ query: 'any', scope: 'directory:read', summary: 'Not supported', answers: {} })
  async read(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Post()
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async create(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Put()
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async replace(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Patch()
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async change(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Delete()
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async delete(): Promise<Answer> {
    throw notImplemented('/Me');
  }
}
