import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { refKey } from '../directory/directory-ref';
import { matchUsers } from '../directory/match-users';
import { raiseVersions } from '../directory/publish-people';
import type { GroupInput } from './read-group';
import { invalid } from './scim-problem';

export interface GroupRow {
  [column: string]: unknown;
  id: string;
  external_id: string | null;
  display_name: string;
  members: { value: string; display: string }[];
  version: string;
  created_at: Date;
  changed_at: Date;
}

/** Refs of a refusal that are named in it. */
const mostNamed = 5;

const memberIds = async (tx: Tx, workspaceId: string, refs: readonly string[]): Promise<string[]> => {
  const matches = await matchUsers(
    tx,
    refs.map((ref) => ({ workspaceId, ref })),
  );
  const found = refs.map((ref) => matches.get(refKey({ workspaceId, ref })) ?? []);
  const bad = refs.filter((_, index) => found[index]?.length !== 1);
  if (bad.length > 0) {
    const more = bad.length > mostNamed ? ` and ${bad.length - mostNamed} more` : '';
    throw invalid(
      'invalidValue',
      `members must each name one user of this workspace: ${bad.slice(0, mostNamed).join(', ')}${more}.`,
    );
  }
  return [...new Set(found.flatMap((rows) => rows.map(({ id }) => id)))].sort();
};

const join = (tx: Tx, workspaceId: string, groupId: string, userIds: readonly string[]): Promise<unknown> =>
  tx.query(
    'INSERT INTO membership (workspace_id, group_id, user_id) SELECT $1, $2, * FROM unnest($3::uuid[])',
    [workspaceId, groupId, userIds],
  );

const sameUsers = (tx: Tx, ids: readonly string[]): Promise<void> =>
  raiseVersions(tx, ids).then((raised) => {
    if (raised.length < ids.length)
      throw invalid('invalidValue', 'members must each name one user of this workspace.');
  });

/** Returns the members, whose versions are raised. Throws Problem invalidValue. */
export const insertGroup = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  group: GroupInput,
): Promise<string[]> => {
  const users = await memberIds(tx, workspaceId, group.memberRefs);
  await tx.query('INSERT INTO group_ (workspace_id, id, external_id, display_name) VALUES ($1, $2, $3, $4)', [
    workspaceId,
    id,
    group.externalId,
    group.displayName,
  ]);
  await sameUsers(tx, users);
  if (users.length > 0) await join(tx, workspaceId, id, users);
  return users;
};

/** What a group is before it changes; its row stays locked. */
export interface LockedGroup {
  displayName: string;
  version: number;
  members: string[];
}

export const lockGroup = async (tx: Tx, id: string): Promise<LockedGroup | null> => {
  const [row] = await tx.query<{ display_name: string; version: string }>(
    'SELECT display_name, version FROM group_ WHERE id = $1 FOR UPDATE',
    [id],
  );
  if (!row) return null;
  const members = await tx.query<{ user_id: string }>(
    'SELECT user_id FROM membership WHERE group_id = $1 ORDER BY user_id',
    [id],
  );
  return {
    displayName: row.display_name,
    version: Number(row.version),
    members: members.map(({ user_id }) => user_id),
  };
};

/** Returns those for whom something changed, with their versions raised. Throws Problem invalidValue. */
export const replaceGroup = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  before: LockedGroup,
  group: GroupInput,
): Promise<string[]> => {
  const users = await memberIds(tx, workspaceId, group.memberRefs);
  const [old, wanted] = [new Set(before.members), new Set(users)];
  const joining = users.filter((user) => !old.has(user));
  const leaving = before.members.filter((user) => !wanted.has(user));
  const staying = group.displayName === before.displayName ? [] : users.filter((user) => old.has(user));
  const changed = [...joining, ...leaving, ...staying];
  await sameUsers(tx, changed);
  await tx.query(
    `UPDATE group_ SET external_id = $2, display_name = $3, version = version + 1, changed_at = now()
      WHERE id = $1`,
    [id, group.externalId, group.displayName],
  );
  if (leaving.length > 0) {
    await tx.query('DELETE FROM membership WHERE group_id = $1 AND user_id = ANY ($2::uuid[])', [
      id,
      leaving,
    ]);
  }
  if (joining.length > 0) await join(tx, workspaceId, id, joining);
  return changed;
};

/** Deletes a locked group; the versions of its members are raised. */
export const deleteGroup = async (tx: Tx, id: string, before: LockedGroup): Promise<void> => {
  await raiseVersions(tx, before.members);
  await tx.query('DELETE FROM group_ WHERE id = $1', [id]);
};

/** Groups by id, in the order of their ids. */
export const groupsById = (sql: Sql, ids: readonly string[], withMembers: boolean): Promise<GroupRow[]> =>
  sql.query<GroupRow>(
    `SELECT g.id, g.external_id, g.display_name, g.version, g.created_at, g.changed_at, coalesce(member.list, '[]') AS members
       FROM group_ g
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('value', u.id, 'display', u.display_name) ORDER BY u.id) AS list
           FROM membership m JOIN user_ u ON u.id = m.user_id
          WHERE m.group_id = g.id AND $2
       ) member ON true
      WHERE g.id = ANY ($1::uuid[])
      ORDER BY g.id`,
    [ids, withMembers],
  );
