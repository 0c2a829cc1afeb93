import type { FactContents } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { Problem, type Call } from '@countersign/service-kit';

interface ShownPerson {
  id: string;
  userName: string;
  displayName: string;
}

export interface StoredDelegation {
  [column: string]: unknown;
  id: string;
  from: ShownPerson;
  to: ShownPerson;
  starts_at: Date;
  ends_at: Date;
  workflows: string[] | null;
  created_at: Date;
}

/** A delegation as the API shows it. */
export const delegationView = (row: StoredDelegation) => ({
  id: row.id,
  from: row.from,
  to: row.to,
  startsAt: row.starts_at.toISOString(),
  endsAt: row.ends_at.toISOString(),
  workflows: row.workflows,
  createdAt: row.created_at.toISOString(),
});

const person = {
  type: 'object',
  required: ['id', 'userName', 'displayName'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    userName: { type: 'string' },
    displayName: { type: 'string' },
  },
};
const time = { type: 'string', format: 'date-time' };

export const delegationSchema = {
  type: 'object',
  required: ['id', 'from', 'to', 'startsAt', 'endsAt', 'workflows', 'createdAt'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    from: person,
    to: person,
    startsAt: time,
    endsAt: time,
    workflows: { type: ['array', 'null'], items: { type: 'string' } },
    createdAt: time,
  },
};

const shown = (user: string) =>
  `json_build_object('id', ${user}.id, 'userName', ${user}.user_name, 'displayName', ${user}.display_name)`;
const selected = `SELECT d.id, d.starts_at, d.ends_at, d.workflows, d.created_at, ${shown('giver')} AS "from", ${shown('taker')} AS "to"
  FROM delegation d JOIN user_ giver ON giver.id = d.from_id JOIN user_ taker ON taker.id = d.to_id`;

/** Newest first, at most `limit`, those made before `before`; of a limited key those that concern its workflows. */
export const listDelegations = (
  sql: Sql,
  { workspaceId, identity }: Call,
  before: string | null,
  limit: number,
): Promise<StoredDelegation[]> =>
  sql.query<StoredDelegation>(
    `${selected}
      WHERE d.workspace_id = $1 AND ($2::uuid IS NULL OR d.id < $2)
        AND ($4::text[] IS NULL OR d.workflows IS NULL OR d.workflows && $4)
      ORDER BY d.id DESC LIMIT $3`,
    [workspaceId, before, limit, identity.key.workflows],
  );

/** Throws Problem not_found. */
export const findDelegation = async (sql: Sql, id: string): Promise<StoredDelegation> => {
  const [row] = await sql.query<StoredDelegation>(`${selected} WHERE d.id = $1`, [id]);
  if (!row) throw Problem.notFound('delegation');
  return row;
};

export interface NewDelegation {
  id: string;
  fromId: string;
  toId: string;
  startsAt: Date;
  endsAt: Date;
  workflows: string[] | null;
}

/** Until the transaction ends, nobody else makes a delegation in the workspace: two could lead back only together. */
export const lockDelegations = (tx: Tx, workspaceId: string): Promise<unknown> =>
  tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('delegations ' || $1, 0))`, [workspaceId]);

const isUnknownPerson = (error: unknown): boolean =>
  error instanceof Error &&
  'constraint' in error &&
  (error.constraint === 'delegator_is_user' || error.constraint === 'delegate_is_user');

/** Routing is told when it begins and ends. Throws Problem unknown_reference when somebody has been deleted just now. */
export const insertDelegation = async (
  tx: Tx,
  workspaceId: string,
  { id, fromId, toId, startsAt, endsAt, workflows }: NewDelegation,
): Promise<StoredDelegation> => {
  const inserted = tx.query(
    `INSERT INTO delegation (workspace_id, id, from_id, to_id, starts_at, ends_at, workflows)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [workspaceId, id, fromId, toId, startsAt, endsAt, workflows],
  );
  await inserted.catch((error: unknown) => {
    if (!isUnknownPerson(error)) throw error;
    throw new Problem('unknown_reference', 'Somebody who is named is not known any more.');
  });
  return findDelegation(tx, id);
};

/** Ends the delegations of somebody who is about to be deleted. Returns those that were not over. */
export const endDelegationsOf = async (
  tx: Tx,
  userId: string,
): Promise<FactContents['delegation.ended'][]> => {
  const rows = await tx.query<EndedRow>(
    `DELETE FROM delegation WHERE from_id = $1 OR to_id = $1
     RETURNING id, from_id, to_id, starts_at, ends_at, workflows, ends_at > now() AS was_open`,
    [userId],
  );
  return rows
    .filter(({ was_open: wasOpen }) => wasOpen)
    .map((row) => ({
      delegationId: row.id,
      from: row.from_id,
      to: row.to_id,
      startsAt: row.starts_at.toISOString(),
      endsAt: row.ends_at.toISOString(),
      workflows: row.workflows,
    }));
};

interface EndedRow {
  [column: string]: unknown;
  id: string;
  from_id: string;
  to_id: string;
  starts_at: Date;
  ends_at: Date;
  workflows: string[] | null;
  was_open: boolean;
}

/** Ends a delegation now; routing is told as when it had come to its end. Throws Problem not_found. */
export const deleteDelegation = async (tx: Tx, id: string): Promise<void> => {
  const rows = await tx.query('DELETE FROM delegation WHERE id = $1 RETURNING id', [id]);
  if (rows.length === 0) throw Problem.notFound('delegation');
};
