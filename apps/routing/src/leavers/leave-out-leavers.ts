import type { TransactionSql } from '@countersign/persistence';
import type { Command, RequestAggregate } from '@countersign/workflow';
import type { Refusal } from '../requests/payload-fit';
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
  const late = approvers.filter(({ person }) => gone.has(person.id));
  return {
    ...command,
    outcome: {
      ...rest,
      approvers: approvers.filter(({ person }) => !gone.has(person.id)),
      skipped: [
        ...skipped,
        ...late.map(({ person }) => ({ ref: person.userName, why: 'is no longer active' })),
      ],
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
