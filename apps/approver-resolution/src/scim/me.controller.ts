import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Operation, type Answer } from '@countersign/service-kit';
import { notImplemented } from './scim-problem';

const notSupported = {
  query: 'any' as const,
  scope: 'directory:write' as const,
  summary: 'Not supported',
  trail: 'none: it does nothing' as const,
  answers: {},
};

/** An API key is nobody's account, so there is no "me": 501 (RFC 7644 §3.11). */
@Controller('scim/v2/Me')
export class MeController {
  @Get()
  @Operation({ query: 'any', scope: 'directory:read', summary: 'Not supported', answers: {} })
  async read(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Post()
  @Operation(notSupported)
  async create(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Put()
  @Operation(notSupported)
  async replace(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Patch()
  @Operation(notSupported)
  async change(): Promise<Answer> {
    throw notImplemented('/Me');
  }

  @Delete()
  @Operation(notSupported)
  async delete(): Promise<Answer> {
    throw notImplemented('/Me');
  }
}
