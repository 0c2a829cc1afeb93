import 'reflect-metadata';
import { Controller, Delete, Get, Patch, Post, Put } from '@nestjs/common';
import { Internal, Operation } from '../http/operation';
import { routesWithoutTrail } from './demand-trails';

const declared = { scope: 'admin' as const, summary: '', answers: {} };

@Controller()
class Silent {
  @Get() @Operation(declared) read() {}
  @Post() @Operation(declared) create() {}
  @Put() @Operation(declared) replace() {}
  @Patch() @Operation(declared) change() {}
  @Delete() @Operation(declared) remove() {}
  @Post('internal') @Internal() internal() {}
  @Post('bare') bare() {}
  helper() {}
}

@Controller()
class Thoughtful {
  @Post() @Operation({ ...declared, trail: 'api_key.created' }) create() {}
  @Patch() @Operation({ ...declared, trail: ['request.revised', 'request.edited'] }) change() {}
  @Post('.search') @Operation({ ...declared, trail: 'none: it reads' }) search() {}
  @Get() @Operation(declared) read() {}
}

describe('routes that do not say what they leave in the log', () => {
  it('are all that may change something, whatever else is said of them', () => {
    expect(routesWithoutTrail([Silent])).toEqual(
      ['create', 'replace', 'change', 'remove', 'internal', 'bare'].map((name) => `Silent.${name}`),
    );
  });

  it('are none where each does, or says why it leaves nothing', () => {
    expect(routesWithoutTrail([Thoughtful])).toEqual([]);
  });
});
