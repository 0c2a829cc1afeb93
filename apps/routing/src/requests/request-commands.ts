import { Injectable } from '@nestjs/common';
import { causeOf, NotYet, PoisonMessage, type Message, type Tx } from '@countersign/messaging';
import {
  apply,
  decide,
  isFinal,
  nextDue,
  type Command,
  type CompiledDefinition,
  type Decision,
  type DomainEvent,
  type Effect,
  type MigrateCommand,
  type RequestAggregate,
} from '@countersign/workflow';
import { v7 } from 'uuid';
import { Clock } from '../clock';
import { DefinitionCopies, type DefinitionRef } from '../definitions/definition-copies';
import { writeUneventfulTicks } from '../timers/due-request.rows';
import { whoHasLeft, refuseLeaver, withoutLeavers } from '../leavers/leave-out-leavers';
import { RequestTimers } from '../timers/request-timers';
import { writeAskedPeople } from './asked-people';
import { refuseUnfitPayload } from './payload-fit';
import type { Refusal } from './refusal';
import { refuseErased } from './refuse-erased';
import { snapshotOf, transitionEventOf } from './request-snapshot';
import {
  insertDecisions,
  insertOutcomes,
  lockRequests,
  writePayloads,
  writeRequests,
  type DecisionRow,
  type OutcomeRow,
  type RequestChange,
} from './request.rows';

/** A command to the decider; the version that a request is to be moved to is loaded here. */
type OpenCommand = Exclude<Command, MigrateCommand> | Omit<MigrateCommand, 'target'>;

/** A message as a command to the decider. */
export interface Instruction {
  message: Message;
  requestId: string;
  command: OpenCommand;
  /** Present when somebody waits for the outcome. */
  commandId?: string;
  /** The payload of a request that is new. */
  payload?: unknown;
  /** Whom the command may give tasks to, with the version of them at which they were active, if that is known. */
  named?: readonly { personId: string; version: number | null }[];
}

type Work = Omit<RequestChange, 'dueAt'>;

type Verdict = Extract<Decision, { ok: true }> | { ok: false; error: Refusal };

/**
 * Carries out instructions: loads and locks all requests, asks the decider for each instruction in turn, then writes
 * everything and says what happened. One transaction, a handful of statements, however many instructions.
 */
@Injectable()
export class RequestCommands {
  constructor(
    private readonly definitions: DefinitionCopies,
    private readonly clock: Clock,
    private readonly timers: RequestTimers,
  ) {}

  async carryOut(instructions: readonly Instruction[], tx: Tx): Promise<void> {
    const candidates = instructions.flatMap(({ message: { workspaceId }, named = [] }) =>
      named.map((one) => ({ workspaceId, ...one })),
    );
    // Sent together, in this order.
    const [hasLeft, stored] = await Promise.all([
      whoHasLeft(tx, candidates),
      lockRequests(
        tx,
        instructions.map(({ requestId }) => requestId),
      ),
    ]);
    const work = new Map<string, Work>(
      [...stored].map(([id, { aggregate, payload }]) => [
        id,
        { before: aggregate, aggregate, payload, bringsPayload: false },
      ]),
    );
    const definitionOf = await this.definitions.load(
      tx,
      instructions.flatMap((instruction) => {
        const ref = refOf(instruction, work);
        const { command } = instruction;
        return command.type === 'migrate' ? [ref, { ...ref, version: command.version }] : [ref];
      }),
    );
    const arrived = (ref: DefinitionRef): CompiledDefinition => {
      const definition = definitionOf(ref);
      if (!definition) throw new NotYet('the workflow version has not arrived yet');
      return definition;
    };
    const decisions: DecisionRow[] = [];
    const outcomes: OutcomeRow[] = [];
    const touched = new Set<string>();
    const ticked = new Set<string>();

    for (const instruction of instructions) {
      const { requestId } = instruction;
      const before = work.get(requestId) ?? null;
      if (before && before.aggregate.workspaceId !== instruction.message.workspaceId) {
        throw new PoisonMessage('the request belongs to another workspace');
      }
      const ref = refOf(instruction, work);
      const { workspaceId } = instruction.message;
      const gone = new Set(
        instruction.named?.filter((one) => hasLeft({ workspaceId, ...one })).map(({ personId }) => personId),
      );
      const given: Command =
        instruction.command.type === 'migrate'
          ? {
              ...instruction.command,
              target: arrived({ ...ref, version: instruction.command.version }),
            }
          : instruction.command;
      const command = withoutLeavers(given, gone);
      const payload = before ? before.payload : instruction.payload;
      const refusal =
        refuseLeaver(command, before?.aggregate ?? null, gone) ??
        refuseErased(command, before?.aggregate ?? null, stored.get(requestId)?.isErased ?? false);
      const verdict: Verdict = refusal
        ? { ok: false, error: refusal }
        : this.judge(command, before?.aggregate ?? null, arrived(ref), payload);
      if (verdict.ok && verdict.events.length > 0) {
        const { events } = verdict;
        const aggregate = apply(before?.aggregate ?? null, events);
        if (!aggregate) throw new Error('events without a request');
        const brought = broughtPayload(command, before?.aggregate ?? null, aggregate, events);
        const next: Work = {
          before: before?.before ?? null,
          aggregate,
          payload: brought?.given ? brought.given.value : payload,
          bringsPayload: (before?.bringsPayload ?? false) || brought !== null,
        };
        work.set(requestId, next);
        touched.add(requestId);
        decisions.push(...decisionsOf(aggregate, events));
        if (isFinal(aggregate) && !(before && isFinal(before.aggregate)))
          outcomes.push(outcomeOf(aggregate, events));
        tellTransition(tx, instruction, aggregate, verdict, brought ? { value: next.payload } : null);
        for (const effect of verdict.effects)
          askForApprovers(tx, instruction, aggregate, effect, next.payload);
      }
      if (command.type === 'tick') ticked.add(requestId);
      if (instruction.commandId)
        tellOutcome(
          tx,
          instruction,
          instruction.commandId,
          verdict,
          work.get(requestId)?.aggregate.version ?? null,
        );
    }

    const changes = [...work.values()]
      .filter(({ aggregate }) => touched.has(aggregate.id))
      .map((change) => ({ ...change, dueAt: nextDue(change.aggregate) }));
    writeRequests(tx, changes);
    writePayloads(tx, changes);
    writeAskedPeople(tx, changes);
    insertDecisions(tx, decisions);
    insertOutcomes(tx, outcomes);
    const uneventful = [...work.values()]
      .filter(({ aggregate: { id } }) => ticked.has(id) && !touched.has(id))
      .map(({ aggregate }) => ({ id: aggregate.id, dueAt: nextDue(aggregate) }));
    writeUneventfulTicks(tx, this.clock.now(), uneventful);
    tx.afterCommit(() => this.timers.expect(changes.map(({ dueAt }) => dueAt)));
  }

  private judge(
    command: Command,
    request: RequestAggregate | null,
    definition: CompiledDefinition,
    payload: unknown,
  ): Verdict {
    const unfit = refuseUnfitPayload(command, request, definition, payload);
    if (unfit) return { ok: false, error: unfit };
    return decide(command, request, {
      definition,
      payload,
      now: this.clock.now().toISOString(),
      newId: () => v7(),
    });
  }
}

const refOf = (
  { message, command, requestId }: Instruction,
  work: ReadonlyMap<string, Work>,
): DefinitionRef => {
  const workflow = command.type === 'submit' ? command.workflow : work.get(requestId)?.aggregate.workflow;
  // Whoever sends a command has seen the request, so it is only on its way.
  if (!workflow) throw new NotYet('the request has not arrived yet');
  return { workspaceId: message.workspaceId, workflowId: workflow.id, version: workflow.version };
};

/**
 * What a decision has brought: null when the payload stays as and where it is; without `given`, the same payload counts
 * as that of a new revision.
 */
const broughtPayload = (
  command: Command,
  before: RequestAggregate | null,
  after: RequestAggregate,
  events: readonly DomainEvent[],
): { given?: { value: unknown } } | null => {
  const given = command.type === 'revise' ? command.payload : undefined;
  const isNew = before?.payloadRevision !== after.payloadRevision;
  const isEdited = given !== undefined && events.some(({ type }) => type === 'request.edited');
  return isNew || isEdited ? { given } : null;
};

const decisionsOf = ({ id, workspaceId }: RequestAggregate, events: readonly DomainEvent[]): DecisionRow[] =>
  events.flatMap((event) => {
    if (event.type !== 'task.decided') return [];
    const { task } = event;
    if (!task.decision || !task.decidedBy || !task.decidedAt)
      throw new Error('a decision without its decider');
    return [
      {
        taskId: task.id,
        workspaceId,
        requestId: id,
        decision: task.decision,
        decidedBy: task.decidedBy.id,
        decidedAt: task.decidedAt,
      },
    ];
  });

const outcomeOf = (
  { id, workspaceId, state }: RequestAggregate,
  events: readonly DomainEvent[],
): OutcomeRow => ({
  requestId: id,
  workspaceId,
  state,
  endedAt: events.at(-1)?.at ?? new Date().toISOString(),
});

/**
 * A transition that asks for approvers is soon followed by the one that knows them, which then takes it along, unless a
 * call waits for it.
 */
const soonMs = 25;

const tellTransition = (
  tx: Tx,
  { message, commandId }: Instruction,
  aggregate: RequestAggregate,
  { events, effects }: { events: readonly DomainEvent[]; effects: readonly Effect[] },
  payload: { value: unknown } | null,
): void =>
  tx.publish({
    type: 'request.transitioned.v1',
    workspaceId: message.workspaceId,
    cause: causeOf(message),
    patienceMs: !commandId && effects.length > 0 ? soonMs : 0,
    data: {
      request: snapshotOf(aggregate),
      events: events.map((event) => transitionEventOf(event, aggregate.id)),
      revisionPayload: payload && { revision: aggregate.payloadRevision, payload },
    },
  });

const askForApprovers = (
  tx: Tx,
  { message }: Instruction,
  aggregate: RequestAggregate,
  effect: Effect,
  payload: unknown,
): void => {
  const callsOutside = effect.sources.some((source) => 'webhook' in source);
  tx.publish({
    type: 'approvers.resolve.v1',
    workspaceId: message.workspaceId,
    cause: causeOf(message),
    data: {
      resolutionId: effect.resolutionId,
      requestId: aggregate.id,
      stageKey: effect.stageKey,
      stageIndex: effect.stageIndex,
      totalStages: aggregate.stages.length,
      sources: effect.sources,
      rules: effect.rules,
      exclude: effect.exclude,
      title: aggregate.title,
      reason: aggregate.reason,
      requester: aggregate.requester,
      payload: callsOutside ? { value: payload } : null,
      ...(callsOutside && {
        workflow: { key: aggregate.workflow.key, version: aggregate.workflow.version },
        externalRef: aggregate.externalRef,
        metadata: aggregate.metadata,
      }),
      delegations: effect.delegations,
    },
  });
};

const tellOutcome = (
  tx: Tx,
  { message, requestId }: Instruction,
  commandId: string,
  verdict: Verdict,
  version: number | null,
): void =>
  tx.publish({
    type: 'command.settled.v1',
    workspaceId: message.workspaceId,
    cause: causeOf(message),
    data: {
      commandId,
      requestId,
      // Of a refusal too: what it was refused for is what the next GET shows.
      requestVersion: version,
      refused: verdict.ok
        ? null
        : {
            code: verdict.error.code,
            detail: verdict.error.detail,
            pointer: verdict.error.pointer ?? null,
            retryAfter: verdict.error.retryAfterS ?? null,
          },
    },
  });
