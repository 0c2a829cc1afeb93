import { Inject, Injectable } from '@nestjs/common';
import { problems, type ProblemCode, type RefusedCommand } from '@countersign/contracts';
import type { Publication, Tx, UnitOfWork } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import {
  accepted,
  Idempotency,
  ok,
  Problem,
  renderProblem,
  UNIT_OF_WORK,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { CommandOutcomes, type CommandOutcome } from '../commands/command-outcomes';
import { findRequest } from './request.rows';

type CommandType =
  | 'request.hand-in.v1'
  | 'request.revise.v1'
  | 'request.decide.v1'
  | 'request.cancel.v1'
  | 'request.override.v1'
  | 'request.migrate.v1'
  | 'request.comment.v1'
  | 'task.reassign.v1'
  | 'task.remind.v1';

/** What a command says beside whom it is for. */
type Terms<K extends CommandType> = Omit<
  Publication<K>['data'],
  'commandId' | 'requestId' | 'expectedVersion'
>;

/** Renders what a command that is done has come to. */
type Render = (sql: Sql, commandId: string) => Promise<Answer | null>;

/** How long a call waits for routing before it is answered with 202 (product §3). */
const patienceMs = 5_000;

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problems, code);

/** A refusal by routing as the HTTP answer it is. */
export const refusalOf = ({ code, detail, pointer, retryAfter }: RefusedCommand, call: Call): Answer => {
  const problem = new Problem(isProblemCode(code) ? code : 'internal_error', detail, {
    ...(pointer ? { errors: [{ pointer, message: detail }] } : {}),
    ...(retryAfter ? { headers: { 'retry-after': String(retryAfter) } } : {}),
  });
  return renderProblem(problem, call.path, call.traceId);
};

/** Sends commands to routing and answers with the request as it then is. */
@Injectable()
export class RequestCommands {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly outcomes: CommandOutcomes,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  /** Writes the command down and waits for its outcome, once per Idempotency-Key. */
  run<K extends CommandType>(
    call: Call,
    type: K,
    requestId: string,
    terms: Terms<K> | ((commandId: string) => Terms<K>),
    render: Render = async (sql) => {
      const request = await findRequest(sql, requestId);
      return request && ok(request);
    },
  ): Promise<Answer> {
    return this.idempotency.run(
      call,
      async (tx: Tx) => {
        const commandId = v7();
        this.write(tx, call, type, requestId, commandId, terms);
        return { commandId };
      },
      { settle: (commandId) => this.settle(call, requestId, commandId, render) },
    );
  }

  /**
   * The same for what may be done once, however often it is asked for: `claim`, in the transaction that writes the command,
   * answers the id of the command that counts, which is an earlier one or this. Null when that is not settled in time.
   */
  async runOnce<K extends CommandType>(
    call: Call,
    type: K,
    requestId: string,
    terms: Terms<K>,
    claim: (tx: Tx, commandId: string) => Promise<string>,
  ): Promise<CommandOutcome | null> {
    const counting = await this.unitOfWork([call.workspaceId], async (tx) => {
      const commandId = v7();
      const claimed = await claim(tx, commandId);
      if (claimed === commandId) this.write(tx, call, type, requestId, commandId, terms);
      return claimed;
    });
    return this.await(call, requestId, counting);
  }

  private write<K extends CommandType>(
    tx: Tx,
    call: Call,
    type: K,
    requestId: string,
    commandId: string,
    terms: Terms<K> | ((commandId: string) => Terms<K>),
  ): void {
    tx.write('INSERT INTO command (id, workspace_id, request_id) VALUES ($1, $2, $3)', [
      commandId,
      call.workspaceId,
      requestId,
    ]);
    const data = {
      ...(typeof terms === 'function' ? terms(commandId) : terms),
      commandId,
      requestId,
      expectedVersion: call.expectedVersion,
    } as unknown as Publication<K>['data'];
    tx.publish({ type, workspaceId: call.workspaceId, cause: call.cause, data });
  }

  private await(call: Call, requestId: string, commandId: string): Promise<CommandOutcome | null> {
    return this.outcomes.wait({ workspaceId: call.workspaceId, requestId, commandId }, patienceMs);
  }

  private async settle(call: Call, requestId: string, commandId: string, render: Render): Promise<Answer> {
    const outcome = await this.await(call, requestId, commandId);
    if (!outcome) return accepted(`/v1/commands/${commandId}`, { id: commandId, state: 'pending' });
    if (outcome.refused) return refusalOf(outcome.refused, call);
    const answer = await this.database.read(call.workspaceId, (sql) => render(sql, commandId));
    if (!answer) throw new Error('a command that is done and has come to nothing');
    return answer;
  }
}
