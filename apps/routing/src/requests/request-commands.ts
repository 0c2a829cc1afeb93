import { Injectable } from '@nestjs/common';
import { causeOf, NotYet, PoisonMessage, type Message, type Tx } from '@countersign/messaging';
import {
  apply,
  decide,
  isFinal,
  type Command,
  type CompiledDefinition,
  type Decision,
  type DomainEvent,
  type Effect,
  type RequestAggregate,
} from '@countersign/workflow';
import { v7 } from 'uuid';
import { DefinitionCopies, type DefinitionRef } from '../definitions/definition-copies';
import { snapshotOf, transitionEventOf } from './request-snapshot';
import {
  insertDecisions,
  insertOutcomes,
  lockRequests,
  writeRequests,
  type DecisionRow,
  type OutcomeRow,
  type RequestChange,
} from './request.rows';

/** A message as a command to the decider. */
export interface Instruction {
  message: Message;
  requestId: string;
  command: Command;
  /** Present when somebody waits for the outcome. */
  commandId?: string;
  /** The payload of a request that is new. */
  payload?: unknown;
}

type Work = RequestChange;

/**
 * Carries out instructions: loads and locks all requests, asks the decider for each instruction in turn, then writes
 * everything and says what happened. One transaction, a handful of statements, however many instructions.
 */
@Injectable()
export class RequestCommands {
  constructor(private readonly definitions: DefinitionCopies) {}

  async carryOut(instructions: readonly Instruction[], tx: Tx): Promise<void> {
    const stored = await lockRequests(
      tx,
      instructions.map(({ requestId }) => requestId),
    );
    const work = new Map<string, Work>(
      [...stored].map(([id, { aggregate, payload }]) => [
        id,
        { from: aggregate.version, aggregate, payload },
      ]),
    );
    const definitionOf = await this.definitions.load(
      tx,
      instructions.map((instruction) => refOf(instruction, work)),
    );
    const decisions: DecisionRow[] = [];
    const outcomes: OutcomeRow[] = [];
    const touched = new Set<string>();

    for (const instruction of instructions) {
      const before = work.get(instruction.requestId);
      if (before && before.aggregate.workspaceId !== instruction.message.workspaceId) {
        throw new PoisonMessage('the request belongs to another workspace');
      }
      const definition = definitionOf(refOf(instruction, work));
      if (!definition) throw new NotYet('the workflow version has not arrived yet');
      const payload = before ? before.payload : instruction.payload;
      const decision = decide(instruction.command, before?.aggregate ?? null, envOf(definition, payload));
      if (decision.ok && decision.events.length > 0) {
        const aggregate = apply(before?.aggregate ?? null, decision.events);
        if (!aggregate) throw new Error('events without a request');
        work.set(instruction.requestId, { from: before?.from ?? null, aggregate, payload });
        touched.add(instruction.requestId);
        decisions.push(...decisionsOf(aggregate, decision.events));
        if (isFinal(aggregate)) outcomes.push(outcomeOf(aggregate, decision.events));
        tellTransition(tx, instruction, aggregate, decision, payload);
        for (const effect of decision.effects) askForApprovers(tx, instruction, aggregate, effect, payload);
      }
      const now = work.get(instruction.requestId);
      if (instruction.commandId)
        tellOutcome(tx, instruction, instruction.commandId, decision, now?.aggregate.version ?? null);
    }

    writeRequests(
      tx,
      [...work.values()].filter(({ aggregate }) => touched.has(aggregate.id)),
    );
    insertDecisions(tx, decisions);
    insertOutcomes(tx, outcomes);
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

const envOf = (definition: CompiledDefinition, payload: unknown) => ({
  definition,
  payload,
  now: new Date().toISOString(),
  newId: () => v7(),
});

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
  payload: unknown,
): void =>
  tx.publish({
    type: 'request.transitioned.v1',
    workspaceId: message.workspaceId,
    cause: causeOf(message),
    patienceMs: !commandId && effects.length > 0 ? soonMs : 0,
    data: {
      request: snapshotOf(aggregate),
      events: events.map(transitionEventOf),
      revisionPayload: events.some(({ type }) => type === 'request.created')
        ? { revision: aggregate.revision, payload: { value: payload } }
        : null,
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
      exclude: effect.exclude,
      title: aggregate.title,
      reason: aggregate.reason,
      requester: aggregate.requester,
      payload: callsOutside ? { value: payload } : null,
    },
  });
};

const tellOutcome = (
  tx: Tx,
  { message, requestId }: Instruction,
  commandId: string,
  decision: Decision,
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
      refused: decision.ok
        ? null
        : {
            code: decision.error.code,
            detail: decision.error.detail,
            pointer: decision.error.pointer ?? null,
          },
    },
  });
