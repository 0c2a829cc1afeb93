import { Module } from '@nestjs/common';
import { DocsPages } from './docs/docs-pages';
import { Authenticator } from './front-door/authenticator';
import { FrontDoor } from './front-door/front-door';
import { Proxy } from './front-door/proxy';
import { RateLimits } from './front-door/rate-limits';
import { Readiness } from './front-door/readiness';
import { Upstreams } from './front-door/upstreams';
import { ActingPerson } from './keys/acting-person';
import { AdminKey } from './keys/admin-key';
import { ApiKeysController } from './keys/api-keys.controller';
import { KeyLookup } from './keys/key-lookup';
import { WorkspacesController } from './workspaces/workspaces.controller';

@Module({
  controllers: [WorkspacesController, ApiKeysController],
  providers: [
    ActingPerson,
    AdminKey,
    Authenticator,
    DocsPages,
    FrontDoor,
    KeyLookup,
    Proxy,
    RateLimits,
    Readiness,
    Upstreams,
  ],
})
export class AppModule {}
