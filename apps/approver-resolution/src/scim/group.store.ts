import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { NeedsExclusiveLock, type DirectoryLock } from '../directory/lock-directory';
import { raiseVersions } from '../directory/publish-people';
import { filterCondition } from './filter-condition';
import { membersOfGroup } from './filter-fields';
import type { MemberFate, MemberStep } from './group-change';
import { findMembers, memberKey, type FoundMembers, type MemberRef } from './member-refs';
import type { Filter } from './parse-filter';
import { invalid } from './scim-problem';

export interface GroupRow {
  [column: string]: unknown;
  id: string;
  external_id: string | null;
  display_name: string;
  members: { value: string; display: string; type: 'User' | 'Group' }[];
  version: string;
  created_at: Date;
  changed_at: Date;
}

/** The group at work on, in a transaction that holds a lock on the directory. */
export interface GroupWork {
  tx: Tx;
  workspaceId: string;
  lock: DirectoryLock;
  id: string;
  /** It was made in this transaction: nobody is in it but those whom this transaction put there. */
  isNew?: boolean;
}

/** What a group is before it changes; its row stays locked, and with it who is in it. */
export interface LockedGroup {
  displayName: string;
  externalId: string | null;
  version: number;
  /** Whether there are groups in it, and whether it is in groups. */
  holdsGroups: boolean;
  isNested: boolean;
}

export const lockGroup = async (tx: Tx, id: string): Promise<LockedGroup | null> => {
  const [row] = await tx.query<{
    display_name: string;
    external_id: string | null;
    version: string;
    holds_groups: boolean;
    is_nested: boolean;
  }>(
    `SELECT display_name, external_id, version,
            EXISTS (SELECT 1 FROM group_nesting n WHERE n.group_id = g.id) AS holds_groups,
            EXISTS (SELECT 1 FROM group_nesting n WHERE n.member_id = g.id) AS is_nested
       FROM group_ g WHERE id = $1 FOR UPDATE OF g`,
    [id],
  );
  if (!row) return null;
  return {
    displayName: row.display_name,
    externalId: row.external_id,
    version: Number(row.version),
    holdsGroups: row.holds_groups,
    isNested: row.is_nested,
  };
};

export const insertGroupRow = (
  { tx, workspaceId, id }: GroupWork,
  externalId: string | null,
  displayName: string,
): Promise<unknown> =>
  tx.query('INSERT INTO group_ (workspace_id, id, external_id, display_name) VALUES ($1, $2, $3, $4)', [
    workspaceId,
    id,
    externalId,
    displayName,
  ]);

export const updateGroupRow = (
  { tx, id }: GroupWork,
  externalId: string | null,
  displayName: string,
): Promise<unknown> =>
  tx.query(
    `UPDATE group_ SET external_id = $2, display_name = $3, version = version + 1, changed_at = now()
      WHERE id = $1`,
    [id, externalId, displayName],
  );

/** Everybody in a group or in groups within it. */
export const peopleWithin = async (tx: Tx, groupIds: readonly string[]): Promise<string[]> => {
  if (groupIds.length === 0) return [];
  const rows = await tx.query<{ user_id: string }>(
    `WITH RECURSIVE within (id) AS (
       SELECT * FROM unnest($1::uuid[])
       UNION
       SELECT n.member_id FROM within w
        CROSS JOIN LATERAL (SELECT k.member_id FROM group_nesting k WHERE k.group_id = w.id OFFSET 0) n
     )
     SELECT DISTINCT m.user_id FROM within w
      CROSS JOIN LATERAL (SELECT k.user_id FROM membership k WHERE k.group_id = w.id OFFSET 0) m`,
    [groupIds],
  );
  return rows.map(({ user_id }) => user_id);
};

/** Refs of a refusal that are named in it. */
const mostNamed = 5;

const unknownMembers = (refs: readonly MemberRef[]) => {
  const more = refs.length > mostNamed ? ` and ${refs.length - mostNamed} more` : '';
  const named = refs.slice(0, mostNamed).map(({ ref }) => ref);
  return invalid(
    'invalidValue',
    `members must each name one user or group of this workspace: ${named.join(', ')}${more}.`,
  );
};

/**
 * Carries out a step on the members of a locked group; what it reads and writes is those who join or leave. Returns
 * who they are, and for whom that matters, with their versions raised. Throws Problem invalidValue, noTarget, and
 * NeedsExclusiveLock where groups join or leave.
 */
export const changeMembers = async (
  work: GroupWork,
  step: MemberStep,
): Promise<{ added: string[]; removed: string[]; people: string[] }> => {
  const { reset, users, groups } =
    step.kind === 'set' ? await namedMoves(work, step) : await selectedMoves(work, step);
  const nesting = await nestingMoves(work, reset, groups);
  const [joining, leaving] = await Promise.all([
    joiningUsers(work, users.joining),
    leavingUsers(work, reset, users),
  ]);
  const within = await peopleWithin(work.tx, [...nesting.joining, ...nesting.leaving]);
  const people = [...new Set([...joining, ...leaving, ...within])];
  const raised = new Set(await raiseVersions(work.tx, people));
  // Somebody who joins may have been deleted since; whoever is in the group stays while its row is locked.
  if (joining.some((id) => !raised.has(id)))
    throw unknownMembers(joining.filter((id) => !raised.has(id)).map((ref) => ({ ref, type: 'User' })));
  await moveUsers(work, joining, leaving);
  await moveGroups(work, nesting);
  return { added: [...joining, ...nesting.joining], removed: [...leaving, ...nesting.leaving], people };
};

interface Moves {
  joining: string[];
  leaving: string[];
}

interface AllMoves {
  reset: boolean;
  users: Moves;
  groups: Moves;
}

/** The last word on each id, whatever it was called. */
const movesOf = (fates: readonly MemberFate[], ids: ReadonlyMap<string, string>): Moves => {
  const last = new Map<string, boolean>();
  for (const { member, joins } of fates) {
    const id = ids.get(memberKey(member));
    if (id !== undefined) last.set(id, joins);
  }
  const those = (joins: boolean) => [...last].filter(([, fate]) => fate === joins).map(([id]) => id);
  return { joining: those(true), leaving: those(false) };
};

const namedMoves = async (
  { tx, workspaceId }: GroupWork,
  { reset, fates }: Extract<MemberStep, { kind: 'set' }>,
): Promise<AllMoves> => {
  const found = await findMembers(
    tx,
    workspaceId,
    fates.map(({ member }) => member),
  );
  refuseUnknown(fates, found);
  return { reset, users: movesOf(fates, found.users), groups: movesOf(fates, found.groups) };
};

/** Who is not there need not leave: providers remove members who are long gone. */
const refuseUnknown = (fates: readonly MemberFate[], found: FoundMembers): void => {
  if (found.bad.length === 0) return;
  const joining = new Set(fates.filter(({ joins }) => joins).map(({ member }) => memberKey(member)));
  const bad = found.bad.filter((member) => joining.has(memberKey(member)));
  if (bad.length > 0) throw unknownMembers(bad);
};

const selectedMoves = async (
  work: GroupWork,
  { filter, joining, mustFit, at }: Extract<MemberStep, { kind: 'selected' }>,
): Promise<AllMoves> => {
  const fates = joining.map((member) => ({ member, joins: true }));
  const found = await findMembers(work.tx, work.workspaceId, joining);
  refuseUnknown(fates, found);
  const [users, groups] = [movesOf(fates, found.users), movesOf(fates, found.groups)];
  const selected = await selectedMembers(work, filter);
  if (mustFit && selected.length === 0) throw invalid('noTarget', `${at}: no member fits the filter.`);
  const stays = new Set([...users.joining, ...groups.joining]);
  for (const { kind, id } of selected) {
    if (!stays.has(id)) (kind === 'User' ? users : groups).leaving.push(id);
  }
  return { reset: false, users, groups };
};

const selectedMembers = ({ tx, workspaceId, id }: GroupWork, filter: Filter) => {
  const { condition, parameters } = filterCondition(
    filter,
    (path) => {
      const field = membersOfGroup.sub(path);
      if (!field) throw invalid('invalidFilter', `${path.slice(0, 100)} cannot be used in a filter.`);
      return field;
    },
    [id],
  );
  const statement = `SELECT e.type, e.id FROM group_ t CROSS JOIN LATERAL ${membersOfGroup.rows}
     WHERE t.workspace_id = $1 AND t.id = ($2)[1]::uuid AND (${condition})`;
  return tx.query<{ kind: 'User' | 'Group'; id: string }>('SELECT kind, id FROM found_ids($1, $2, $3)', [
    statement,
    workspaceId,
    parameters,
  ]);
};

const joiningUsers = async ({ tx, id, isNew }: GroupWork, ids: readonly string[]): Promise<string[]> => {
  if (ids.length === 0 || isNew) return [...ids];
  const rows = await tx.query<{ id: string }>(
    `SELECT w.id FROM unnest($2::uuid[]) AS w (id)
      WHERE NOT EXISTS (SELECT 1 FROM membership m WHERE m.group_id = $1 AND m.user_id = w.id)`,
    [id, ids],
  );
  return rows.map((row) => row.id);
};

const leavingUsers = async (
  { tx, id, isNew }: GroupWork,
  reset: boolean,
  { joining, leaving }: Moves,
): Promise<string[]> => {
  if (isNew || (!reset && leaving.length === 0)) return [];
  const rows = await tx.query<{ user_id: string }>(
    reset
      ? 'SELECT user_id FROM membership WHERE group_id = $1 AND user_id <> ALL ($2::uuid[])'
      : 'SELECT user_id FROM membership WHERE group_id = $1 AND user_id = ANY ($2::uuid[])',
    [id, reset ? joining : leaving],
  );
  return rows.map(({ user_id }) => user_id);
};

/** Groups that join or leave; who is in those is known for sure only to whoever has the directory alone. */
const nestingMoves = async (
  { tx, id, lock, isNew }: GroupWork,
  reset: boolean,
  { joining, leaving }: Moves,
): Promise<Moves> => {
  const isAsked = (reset && !isNew) || joining.length > 0 || leaving.length > 0;
  if (!isAsked) return { joining: [], leaving: [] };
  const rows = await tx.query<{ member_id: string }>(
    'SELECT member_id FROM group_nesting WHERE group_id = $1',
    [id],
  );
  const known = new Set(rows.map(({ member_id }) => member_id));
  const [comes, goes] = [new Set(joining), new Set(leaving)];
  const moves = {
    joining: joining.filter((group) => !known.has(group)),
    leaving: [...known].filter((group) => (reset ? !comes.has(group) : goes.has(group))),
  };
  if (lock === 'shared' && moves.joining.length + moves.leaving.length > 0) throw new NeedsExclusiveLock();
  return moves;
};

const moveUsers = async ({ tx, workspaceId, id }: GroupWork, joining: string[], leaving: string[]) => {
  if (leaving.length > 0)
    await tx.query('DELETE FROM membership WHERE group_id = $1 AND user_id = ANY ($2::uuid[])', [
      id,
      leaving,
    ]);
  if (joining.length > 0)
    await tx.query(
      'INSERT INTO membership (workspace_id, group_id, user_id) SELECT $1, $2, * FROM unnest($3::uuid[])',
      [workspaceId, id, joining],
    );
};

const moveGroups = async ({ tx, workspaceId, id }: GroupWork, { joining, leaving }: Moves) => {
  if (leaving.length > 0)
    await tx.query('DELETE FROM group_nesting WHERE group_id = $1 AND member_id = ANY ($2::uuid[])', [
      id,
      leaving,
    ]);
  if (joining.length > 0)
    await tx.query(
      'INSERT INTO group_nesting (workspace_id, group_id, member_id) SELECT $1, $2, * FROM unnest($3::uuid[])',
      [workspaceId, id, joining],
    );
};

/** Deletes a group and takes it out of those that it is in, which are other ones by that. Returns those, and who was in it. */
export const deleteGroupRow = async (
  tx: Tx,
  id: string,
): Promise<{ members: string[]; around: string[] }> => {
  const members = await tx.query<{ id: string }>(
    `SELECT user_id AS id FROM membership WHERE group_id = $1
     UNION ALL
     SELECT member_id FROM group_nesting WHERE group_id = $1`,
    [id],
  );
  const around = await tx.query<{ id: string }>(
    `UPDATE group_ g SET version = g.version + 1, changed_at = now()
       FROM group_nesting n WHERE n.member_id = $1 AND g.id = n.group_id AND g.id <> $1 RETURNING g.id`,
    [id],
  );
  await tx.query('DELETE FROM group_ WHERE id = $1', [id]);
  return { members: members.map((row) => row.id), around: around.map((row) => row.id) };
};

/** Groups by id, in the order asked for. */
export const groupsById = (sql: Sql, ids: readonly string[], withMembers: boolean): Promise<GroupRow[]> =>
  sql.query<GroupRow>(
    `SELECT g.id, g.external_id, g.display_name, g.version, g.created_at, g.changed_at, coalesce(member.list, '[]') AS members
       FROM group_ g
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('value', e.id, 'display', e.display_name, 'type', e.type)
                         ORDER BY e.type DESC, e.id) AS list
           FROM (
             SELECT m.user_id AS id, u.display_name, 'User' AS type
               FROM membership m JOIN user_ u ON u.id = m.user_id WHERE m.group_id = g.id AND $2
              UNION ALL
             SELECT n.member_id, inner_.display_name, 'Group'
               FROM group_nesting n JOIN group_ inner_ ON inner_.id = n.member_id WHERE n.group_id = g.id AND $2
           ) e
       ) member ON true
      WHERE g.id = ANY ($1::uuid[])
      ORDER BY array_position($1::uuid[], g.id)`,
    [ids, withMembers],
  );
