import { Injectable } from '@nestjs/common';
import { problems, type ProblemCode, type RefusedCommand } from '@countersign/contracts';
import type { Publication, Tx } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  accepted,
  Idempotency,
  ok,
  Problem,
  renderProblem,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { CommandOutcomes } from '../commands/command-outcomes';
import { findRequest } from './request.rows';

type CommandType = 'request.submit-draft.v1' | 'request.decide.v1' | 'request.cancel.v1';

/** How long a call waits for routing before it is answered with 202 (product §3). */
const patienceMs = 5_000;

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problems, code);

/** A refusal by routing as the HTTP answer it is. */
export const refusalOf = ({ code, detail, pointer }: RefusedCommand, call: Call): Answer => {
  const errors = pointer ? [{ pointer, message: detail }] : undefined;
  const problem = new Problem(isProblemCode(code) ? code : 'internal_error', detail, { errors });
  return renderProblem(problem, call.path, call.traceId);
};

/** Sends commands to routing and answers with the request as it then is. */
@Injectable()
export class RequestCommands {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly outcomes: CommandOutcomes,
  ) {}

  /** Writes the command down and waits for its outcome, once per Idempotency-Key. */
  run<K extends CommandType>(
    call: Call,
    type: K,
    requestId: string,
    data: Omit<Publication<K>['data'], 'commandId' | 'requestId' | 'expectedVersion'>,
  ): Promise<Answer> {
    return this.idempotency.run(
      call,
      async (tx: Tx) => {
        const commandId = v7();
        tx.write('INSERT INTO command (id, workspace_id, request_id) VALUES ($1, $2, $3)', [
          commandId,
          call.workspaceId,
          requestId,
        ]);
        const whole = {
          ...data,
          commandId,
          requestId,
          expectedVersion: call.expectedVersion,
        } as unknown as Publication<K>['data'];
        tx.publish({ type, workspaceId: call.workspaceId, cause: call.cause, data: whole });
        return { commandId };
      },
      (commandId) => this.settle(call, requestId, commandId),
    );
  }

  private async settle(call: Call, requestId: string, commandId: string): Promise<Answer> {
    const outcome = await this.outcomes.wait(
      { workspaceId: call.workspaceId, requestId, commandId },
      patienceMs,
    );
    if (!outcome) return accepted(`/v1/commands/${commandId}`, { id: commandId, state: 'pending' });
    if (outcome.refused) return refusalOf(outcome.refused, call);
    const request = await this.database.read(call.workspaceId, (sql) => findRequest(sql, outcome.requestId));
    if (!request) throw new Error('a command of a request that is not there');
    return ok(request);
  }
}
