import type { TransactionSql } from '@countersign/persistence';
import type { Command, RequestAggregate } from '@countersign/workflow';
import type { Refusal } from '../requests/refusal';
import { findDepartures, lockDepartures, type Candidate } from './departed-person.rows';

const nobodyHas = () => false;

/** Tells who of these has left, and lets nobody leave until the transaction ends. To be asked before requests are locked. */
export const whoHasLeft = async (
  sql: TransactionSql,
  candidates: readonly Candidate[],
): Promise<(candidate: Candidate) => boolean> => {
  if (candidates.length === 0) return nobodyHas;
  const [, hasLeft] = await Promise.all([
    lockDepartures(
      sql,
      candidates.map(({ workspaceId }) => workspaceId),
      'shared',
    ),
    findDepartures(sql, candidates),
  ]);
  return hasLeft;
};

/** An answer about approvers without those who have left since: they are left out, like whoever had left before. */
export const withoutLeavers = (command: Command, gone: ReadonlySet<string>): Command => {
  if (command.type !== 'approversResolved' || gone.size === 0) return command;
  const { approvers, skipped, ...rest } = command.outcome;
  // Whose stand-in has left keeps the task.
  const kept = approvers.map((one) => {
    const { person, onBehalfOf } = one;
    if (!onBehalfOf || !gone.has(person.id)) return one;
    const substitution = `whose stand-in ${person.displayName} is no longer active`;
    return { ...one, person: onBehalfOf, onBehalfOf: null, substitution };
  });
  const isGone = ({ person, onBehalfOf }: (typeof kept)[number]) => gone.has((onBehalfOf ?? person).id);
  const late = kept.filter(isGone).map(({ person, onBehalfOf }) => onBehalfOf ?? person);
  return {
    ...command,
    outcome: {
      ...rest,
      approvers: kept.filter((one) => !isGone(one)),
      skipped: [...skipped, ...late.map(({ userName }) => ({ ref: userName, why: 'is no longer active' }))],
    },
  };
};

/** A task cannot be passed to somebody who has left since the call was taken. */
export const refuseLeaver = (
  command: Command,
  request: RequestAggregate | null,
  gone: ReadonlySet<string>,
): Refusal | null => {
  if (!request || command.type !== 'reassign' || !gone.has(command.to.id)) return null;
  return {
    code: 'validation_failed',
    detail: `${command.to.displayName} is no longer active.`,
    pointer: '/to',
  };
};
