import { Module } from '@nestjs/common';
import { Clock } from './clock';
import { DefinitionCopies } from './definitions/definition-copies';
import { DefinitionsController } from './definitions/definitions.controller';
import { DelegationsController } from './delegations/delegations.controller';
import { LeaversController } from './leavers/leavers.controller';
import { RequestCommands } from './requests/request-commands';
import { RequestsController } from './requests/requests.controller';
import { SurroundingsController } from './requests/surroundings.controller';
import { RequestTimers } from './timers/request-timers';

@Module({
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
