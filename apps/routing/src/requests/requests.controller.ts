import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { RequestCommands } from './request-commands';

/** Commands that somebody gave, each as the decider's. */
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

  @Handles('request.hand-in.v1')
  handIn(messages: Message<'request.hand-in.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        ...addressOf(message.data),
        command: { type: 'handIn', ...termsOf(message.data) },
      })),
      tx,
    );
  }

  @Handles('request.revise.v1')
  revise(messages: Message<'request.revise.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { title, reason, payload } = message.data;
        return {
          message,
          ...addressOf(message.data),
          command: {
            type: 'revise',
            ...termsOf(message.data),
            ...(title === null ? {} : { title }),
            ...(reason === null ? {} : { reason: reason.value }),
            ...(payload === null ? {} : { payload: { value: payload.value } }),
          },
        };
      }),
      tx,
    );
  }

  @Handles('request.decide.v1')
  decide(messages: Message<'request.decide.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { taskId, decision, comment, reasonCode, revision, words } = message.data;
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
            ...(words ? { words } : {}),
          },
        };
      }),
      tx,
    );
  }

  @Handles('task.reassign.v1')
  reassign(messages: Message<'task.reassign.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { taskId, to, toVersion, reason } = message.data;
        return {
          message,
          ...addressOf(message.data),
          named: [{ personId: to.id, version: toVersion ?? null }],
          command: { type: 'reassign', ...termsOf(message.data), taskId, to, reason },
        };
      }),
      tx,
    );
  }

  @Handles('task.remind.v1')
  remind(messages: Message<'task.remind.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        ...addressOf(message.data),
        command: { type: 'remind', ...termsOf(message.data), taskId: message.data.taskId },
      })),
      tx,
    );
  }

  @Handles('request.comment.v1')
  comment(messages: Message<'request.comment.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { commentId, text } = message.data;
        return {
          message,
          ...addressOf(message.data),
          command: { type: 'comment', ...termsOf(message.data), commentId, text },
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

  @Handles('request.override.v1')
  override(messages: Message<'request.override.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { outcome, reason } = message.data;
        return {
          message,
          ...addressOf(message.data),
          command: { type: 'override', ...termsOf(message.data), outcome, reason },
        };
      }),
      tx,
    );
  }

  @Handles('request.migrate.v1')
  migrate(messages: Message<'request.migrate.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        ...addressOf(message.data),
        command: { type: 'migrate', ...termsOf(message.data), version: message.data.workflowVersion },
      })),
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
