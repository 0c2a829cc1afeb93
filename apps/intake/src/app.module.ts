import { Module } from '@nestjs/common';
import { DirectoryReplicaModule } from '@countersign/directory-replica';
import { ErasureModule } from '@countersign/erasure';
import { CommandsController } from './commands/commands.controller';
import { CommandOutcomes } from './commands/command-outcomes';
import { DecisionLinks } from './decision-links/decision-links';
import { DecisionPageController } from './decision-links/decision-page.controller';
import { DirectoryAnswersController } from './directory-questions/directory-answers.controller';
import { DirectoryQuestions } from './directory-questions/directory-questions';
import { Previews } from './directory-questions/previews';
import { DirectoryFacts } from './directory-questions/directory-facts';
import { ProjectionController } from './requests/projection.controller';
import { IntakeEraser } from './erasure/intake-eraser';
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
import { WorkspaceIntroductions } from './workspace-settings/workspace-introductions';
import { WorkspaceSettingsController } from './workspace-settings/workspace-settings.controller';

@Module({
  imports: [DirectoryReplicaModule.of('intake'), ErasureModule.of('intake', IntakeEraser)],
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
    WorkspaceSettingsController,
    DecisionPageController,
    ProjectionController,
    DirectoryAnswersController,
  ],
  providers: [
    CommandOutcomes,
    DecisionLinks,
    DirectoryQuestions,
    Previews,
    RequestCommands,
    SubmitRequest,
    TaskArrivals,
    DirectoryFacts,
    WorkflowVersions,
    WorkspaceIntroductions,
  ],
})
export class AppModule {}
