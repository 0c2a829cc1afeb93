import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { RequestCommands } from './request-commands';

/** Messages about requests, each as the decider's command. */
@Controller()
export class RequestsController {
  constructor(private readonly commands: RequestCommands) {}

  @Handles('request.submit.v1')
  submit(messages: Message<'request.submit.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { requestId, actor, payload, ...request } = message.data;
        return {
          message,
          requestId,
          payload: payload.value,
          command: { ...request, type: 'submit', requestId, workspaceId: message.workspaceId, actor },
        };
      }),
      tx,
    );
  }

  @Handles('request.submit-draft.v1')
  submitDraft(messages: Message<'request.submit-draft.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        ...addressOf(message.data),
        command: { type: 'submitDraft', ...termsOf(message.data) },
      })),
      tx,
    );
  }

  @Handles('request.decide.v1')
  decide(messages: Message<'request.decide.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { taskId, decision, comment, reasonCode, revision } = message.data;
        return {
          message,
          ...addressOf(message.data),
          command: {
            type: 'decideTask',
            ...termsOf(message.data),
            taskId,
            decision,
            comment,
            reasonCode,
            revision: revision ?? undefined,
          },
        };
      }),
      tx,
    );
  }

  @Handles('request.cancel.v1')
  cancel(messages: Message<'request.cancel.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        ...addressOf(message.data),
        command: { type: 'cancel', ...termsOf(message.data), reason: message.data.reason },
      })),
      tx,
    );
  }

  @Handles('approvers.resolved.v1')
  approversResolved(messages: Message<'approvers.resolved.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { requestId, resolutionId, stageKey, approvers, skipped, note } = message.data;
        return {
          message,
          requestId,
          command: {
            type: 'approversResolved',
            actor: { type: 'system', id: null, via: null },
            resolutionId,
            stageKey,
            outcome: { approvers, skipped, note: note ?? undefined },
          },
        };
      }),
      tx,
    );
  }
}

interface CommandData {
  commandId: string;
  requestId: string;
  actor: { type: 'user' | 'service' | 'system'; id: string | null; via: string | null };
  expectedVersion: number | null;
}

const addressOf = ({ commandId, requestId }: CommandData) => ({ commandId, requestId });

const termsOf = ({ actor, expectedVersion }: CommandData) => ({
  actor,
  expectedVersion: expectedVersion ?? undefined,
});
