import { Module } from '@nestjs/common';
import { ErasureModule } from '@countersign/erasure';
import { Clock } from './clock';
import { DefinitionCopies } from './definitions/definition-copies';
import { DefinitionsController } from './definitions/definitions.controller';
import { DelegationsController } from './delegations/delegations.controller';
import { RoutingEraser } from './erasure/routing-eraser';
import { LeaversController } from './leavers/leavers.controller';
import { RequestCommands } from './requests/request-commands';
import { RequestsController } from './requests/requests.controller';
import { SurroundingsController } from './requests/surroundings.controller';
import { RequestTimers } from './timers/request-timers';

@Module({
  imports: [ErasureModule.of('routing', RoutingEraser)],
  controllers: [
    RequestsController,
    SurroundingsController,
    DefinitionsController,
    LeaversController,
    DelegationsController,
  ],
  providers: [Clock, DefinitionCopies, RequestCommands, RequestTimers],
})
export class AppModule {}
