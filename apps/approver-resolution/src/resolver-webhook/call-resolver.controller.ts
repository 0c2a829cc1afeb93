import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { ResolverSecrets } from '../resolver-secret/resolver-secrets';
import { leaseCalls } from './resolver-call.store';
import { ResolverCaller } from './resolver-caller';

/** Sets calls to resolver webhooks going. No call is made here: this is inside a transaction. */
@Controller()
export class CallResolverController {
  constructor(
    private readonly secrets: ResolverSecrets,
    private readonly caller: ResolverCaller,
  ) {}

  @Handles('approvers.call.v1')
  async call(messages: Message<'approvers.call.v1'>[], tx: Tx): Promise<void> {
    const calls = await leaseCalls(
      tx,
      messages.map(({ workspaceId, data }) => ({
        workspaceId,
        resolutionId: data.resolutionId,
        attempt: data.attempt,
      })),
    );
    if (calls.length === 0) return;
    const secrets = await this.secrets.inForce(tx, [...new Set(calls.map(({ workspaceId }) => workspaceId))]);
    tx.afterCommit(() => {
      for (const call of calls) this.caller.start(call, secrets.get(call.workspaceId) ?? []);
    });
  }
}
