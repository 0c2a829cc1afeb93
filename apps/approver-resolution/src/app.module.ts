import { Module } from '@nestjs/common';
import { ErasureModule } from '@countersign/erasure';
import { DelegationSweeper } from './delegations/delegation-sweeper';
import { DelegationsController } from './delegations/delegations.controller';
import { DirectoryController } from './directory/directory.controller';
import { KnownActor } from './directory/known-actor';
import { PublishPeopleController } from './directory/publish-people.controller';
import { ApproverEraser } from './erasure/approver-eraser';
import { ApproversController } from './resolution/approvers.controller';
import { PreviewApproversController } from './resolution/preview-approvers.controller';
import { ResolveApproversController } from './resolution/resolve-approvers.controller';
import { ResolverSecretController } from './resolver-secret/resolver-secret.controller';
import { ResolverSecrets } from './resolver-secret/resolver-secrets';
import { CallResolverController } from './resolver-webhook/call-resolver.controller';
import { CallSweeper } from './resolver-webhook/call-sweeper';
import { ResolverCaller } from './resolver-webhook/resolver-caller';
import { ResolverCircuits } from './resolver-webhook/resolver-circuits';
import { BulkController } from './scim/bulk.controller';
import { DirectoryWrites } from './scim/directory-writes';
import { DiscoveryController } from './scim/discovery.controller';
import { GroupsController } from './scim/groups.controller';
import { MeController } from './scim/me.controller';
import { SearchController } from './scim/search.controller';
import { UsersController } from './scim/users.controller';

@Module({
  imports: [ErasureModule.of('approver-resolution', ApproverEraser)],
  controllers: [
    UsersController,
    GroupsController,
    BulkController,
    MeController,
    SearchController,
    DiscoveryController,
    DirectoryController,
    PublishPeopleController,
    ResolveApproversController,
    PreviewApproversController,
    CallResolverController,
    ResolverSecretController,
    DelegationsController,
    ApproversController,
  ],
  providers: [
    KnownActor,
    DirectoryWrites,
    ResolverSecrets,
    ResolverCircuits,
    ResolverCaller,
    CallSweeper,
    DelegationSweeper,
  ],
})
export class AppModule {}
