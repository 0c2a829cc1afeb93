import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { CommandsController } from './commands/commands.controller';
import { CommandOutcomes } from './commands/command-outcomes';
import { DirectoryAnswersController } from './directory-questions/directory-answers.controller';
import { DirectoryQuestions } from './directory-questions/directory-questions';
import { Previews } from './directory-questions/previews';
import { DirectoryFacts } from './directory-questions/directory-facts';
import { ProjectionController } from './requests/projection.controller';
import { ReplacementController } from './replacement/replacement.controller';
import { RequestCommands } from './requests/request-commands';
import { RequestsController } from './requests/requests.controller';
import { SubmitRequest } from './requests/submit-request';
import { TaskArrivals } from './tasks/task-arrivals';
import { TasksController } from './tasks/tasks.controller';
import { WhoamiController } from './whoami/whoami.controller';
import { AnalysisController } from './workflows/analysis/analysis.controller';
import { ArchiveController } from './workflows/archive/archive.controller';
import { ReplayController } from './workflows/simulation/replay.controller';
import { SimulationController } from './workflows/simulation/simulation.controller';
import { WorkflowSchemaController } from './workflows/workflow-schema.controller';
import { WorkflowsController } from './workflows/workflows.controller';
import { WorkflowVersions } from './workflows/workflow-versions';

@Module({
  imports: [DirectoryReplicaModule.of('intake')],
  controllers: [
    RequestsController,
    TasksController,
    // Before those whose routes begin with a key.
    AnalysisController,
    ArchiveController,
    WorkflowsController,
    SimulationController,
    ReplayController,
    WorkflowSchemaController,
    CommandsController,
    ReplacementController,
    WhoamiController,
    ProjectionController,
    DirectoryAnswersController,
  ],
  providers: [
    CommandOutcomes,
    DirectoryQuestions,
    Previews,
    RequestCommands,
    SubmitRequest,
    TaskArrivals,
    DirectoryFacts,
    WorkflowVersions,
  ],
})
export class AppModule {}
