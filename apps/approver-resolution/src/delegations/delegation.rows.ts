import type { Sql } from '@countersign/persistence';
import { refKey } from '../directory/directory-ref';
import { matchUsers } from '../directory/match-users';
import { personColumns, type PersonRow } from '../directory/user.rows';

/** What somebody has arranged for a time. Without `to`, they are only away. */
export interface Delegation {
  /** Null of an absence. */
  id: string | null;
  fromId: string;
  to: PersonRow | null;
  /** What an absence says of its delegate, when that names nobody. */
  unknownTo: string | null;
  /** Milliseconds since 1970. */
  startsAt: number;
  endsAt: number;
  /** Keys of workflows; null for all. */
  workflows: string[] | null;
}

/** Begins with `from` and ends before `to`. */
export interface Period {
  from: Date;
  to: Date;
}

/** What is arranged by each, under their ids. */
export type Delegations = ReadonlyMap<string, readonly Delegation[]>;

const msOf = (time: Date | null, otherwise: number): number => time?.getTime() ?? otherwise;

interface DelegationRow extends PersonRow {
  delegation_id: string;
  from_id: string;
  starts_at: Date;
  ends_at: Date;
  workflows: string[] | null;
}

interface AbsenceRow {
  [column: string]: unknown;
  workspace_id: string;
  user_id: string;
  starts_at: Date | null;
  ends_at: Date | null;
  delegate: string | null;
}

/** What these people have arranged that holds at some time of a period: three statements at most, however many they are. */
export const delegationsOf = async (
  sql: Sql,
  people: readonly string[],
  period: Period,
): Promise<Delegation[]> => {
  const values = [people, period.from, period.to];
  const [delegations, absences] = await Promise.all([
    sql.query<DelegationRow>(
      `SELECT d.id AS delegation_id, d.from_id, d.starts_at, d.ends_at, d.workflows, ${personColumns}
         FROM delegation d JOIN user_ u ON u.id = d.to_id
        WHERE d.from_id = ANY ($1::uuid[]) AND d.ends_at > $2 AND d.starts_at < $3`,
      values,
    ),
    sql.query<AbsenceRow>(
      `SELECT a.workspace_id, a.user_id, a.delegate,
              CASE WHEN isfinite(a.starts_at) THEN a.starts_at END AS starts_at,
              CASE WHEN isfinite(a.ends_at) THEN a.ends_at END AS ends_at
         FROM absence a
        WHERE a.user_id = ANY ($1::uuid[]) AND a.ends_at > $2 AND a.starts_at < $3`,
      values,
    ),
  ]);
  const refOf = ({ workspace_id, delegate }: AbsenceRow) => ({
    workspaceId: workspace_id,
    ref: delegate ?? '',
  });
  const matches = await matchUsers(sql, absences.map(refOf));
  return [
    ...delegations.map((row) => ({
      id: row.delegation_id,
      fromId: row.from_id,
      to: row,
      unknownTo: null,
      startsAt: row.starts_at.getTime(),
      endsAt: row.ends_at.getTime(),
      workflows: row.workflows,
    })),
    ...absences.map((row) => {
      const [found, other] = matches.get(refKey(refOf(row))) ?? [];
      const to = found && !other && found.id !== row.user_id ? found : null;
      return {
        id: null,
        fromId: row.user_id,
        to,
        unknownTo: to ? null : row.delegate,
        startsAt: msOf(row.starts_at, -Infinity),
        endsAt: msOf(row.ends_at, Infinity),
        workflows: null,
      };
    }),
  ];
};

/** Chains are followed so far: no organisation hands on further. */
export const mostHops = 50;

/** What these people, and those it leads to, have arranged for this moment. */
export const delegationsAt = async (sql: Sql, people: readonly string[], at: Date): Promise<Delegations> => {
  const known = new Map<string, Delegation[]>();
  const period = { from: at, to: new Date(at.getTime() + 1) };
  let next = [...new Set(people)];
  for (let hop = 0; hop < mostHops && next.length > 0; hop++) {
    for (const id of next) known.set(id, []);
    const found = await delegationsOf(sql, next, period);
    for (const one of found) known.get(one.fromId)?.push(one);
    next = [...new Set(found.flatMap(({ to }) => (to && !known.has(to.id) ? [to.id] : [])))];
  }
  return known;
};
