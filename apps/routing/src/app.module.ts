import { Module } from '@nestjs/common';
import { DefinitionCopies } from './definitions/definition-copies';
import { DefinitionsController } from './definitions/definitions.controller';
import { RequestCommands } from './requests/request-commands';
import { RequestsController } from './requests/requests.controller';

@Module({
  controllers: [RequestsController, DefinitionsController],
  providers: [DefinitionCopies, RequestCommands],
})
export class AppModule {}
