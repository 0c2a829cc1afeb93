import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { ResolverSecrets } from '../resolver-secret/resolver-secrets';
import { withKeptAnswers } from './kept-answer.store';
import { leaseCalls, openTargets } from './resolver-call.store';
import { ResolverCaller } from './resolver-caller';
import { settleCalls } from './settle-calls';

/** Sets calls to resolver webhooks going. No call is made here: this is inside a transaction. */
@Controller()
export class CallResolverController {
  constructor(
    private readonly secrets: ResolverSecrets,
    private readonly caller: ResolverCaller,
  ) {}

  @Handles('approvers.call.v1')
  async call(messages: Message<'approvers.call.v1'>[], tx: Tx): Promise<void> {
    const leased = await leaseCalls(
      tx,
      messages.map(({ workspaceId, data }) => ({
        workspaceId,
        resolutionId: data.resolutionId,
        attempt: data.attempt,
      })),
    );
    const calls = await withKeptAnswers(tx, leased);
    await settleCalls(
      tx,
      calls.filter((call) => openTargets(call).length === 0),
    );
    const open = calls.filter((call) => openTargets(call).length > 0);
    if (open.length === 0) return;
    const secrets = await this.secrets.inForce(tx, [...new Set(open.map(({ workspaceId }) => workspaceId))]);
    tx.afterCommit(() => {
      for (const call of open) this.caller.start(call, secrets.get(call.workspaceId) ?? []);
    });
  }
}
