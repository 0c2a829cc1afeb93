import type { SourceApprovers } from './approver-list';
import type { LimitSource } from './approver-source';
import type { ClimbedRow } from './managers';

/** Adds everybody above the one whom the climb starts at. */
export const addManagers = (approvers: SourceApprovers, of: string, climbed: readonly ClimbedRow[]): void => {
  const [start, ...above] = climbed;
  if (!start) return approvers.leaveOut(of, 'nobody in the directory has this id');
  if (above.length === 0) return approvers.leaveOut(start.user_name, 'has no manager in the directory');
  for (const manager of above) approvers.add(manager, manager.user_name, placeOf(manager, start));
};

/**
 * Adds those above the one whom the climb starts at, up to the first who may approve the amount and may approve here.
 * When there is none, nobody: those with too low a limit must not decide among themselves.
 */
export const addUntilLimit = (
  approvers: SourceApprovers,
  { of, amount }: Omit<LimitSource, 'kind'>,
  climbed: readonly ClimbedRow[],
): void => {
  const [start, ...above] = climbed;
  if (!start) return approvers.leaveOut(of, 'nobody in the directory has this id');
  if (above.length === 0) approvers.leaveOut(start.user_name, 'has no manager in the directory');
  const present: ClimbedRow[] = [];
  let isCovered = false;
  for (const manager of above) {
    if (!approvers.admits(manager, manager.user_name)) continue;
    present.push(manager);
    isCovered = manager.approval_limit !== null && manager.approval_limit >= amount;
    if (isCovered) break;
  }
  if (!isCovered) return approvers.note(`Nobody above ${start.display_name} may approve ${amount}.`);
  for (const manager of present) {
    approvers.add(
      manager,
      manager.user_name,
      `${placeOf(manager, start)}; ${limitOf(manager.approval_limit, amount)}`,
    );
  }
};

const placeOf = ({ level }: ClimbedRow, { display_name: name }: ClimbedRow): string =>
  level === 1 ? `Line manager of ${name}` : `${level} levels above ${name}`;

const limitOf = (limit: number | null, amount: number): string => {
  if (limit === null) return 'has no approval limit';
  return `approval limit ${limit} ${limit >= amount ? 'covers' : 'does not cover'} ${amount}`;
};
