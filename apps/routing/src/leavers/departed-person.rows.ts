import type { Sql, TransactionSql } from '@countersign/persistence';

/*
 * Who is not active any more, and as of which version of them in the directory. What was found of a person at a later
 * version is newer than their leaving. A row goes when its person comes back: there are never more than people who left.
 */

/** Later than any version: whoever is deleted does not come back. */
const forEver = 2_147_483_647;

export interface Version {
  workspaceId: string;
  personId: string;
  version: number;
}

/** Somebody who is about to be asked; the version is that at which they were active, if that is known. */
export interface Candidate {
  workspaceId: string;
  personId: string;
  version: number | null;
}

const keyOf = ({ workspaceId, personId }: Pick<Version, 'workspaceId' | 'personId'>): string =>
  `${workspaceId} ${personId}`;

const inOrder = <T extends Pick<Version, 'workspaceId' | 'personId'>>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

/**
 * Until the transaction ends nobody leaves while tasks are being opened (`shared`), and no tasks are opened while somebody
 * leaves (`exclusive`): otherwise neither would see the other. To be taken before any request is locked, and read after.
 */
export const lockDepartures = (
  sql: Sql,
  workspaceIds: readonly string[],
  mode: 'shared' | 'exclusive',
): Promise<unknown> => {
  const ids = [...new Set(workspaceIds)].sort();
  return mode === 'shared'
    ? sql.query(
        `SELECT pg_advisory_xact_lock_shared(hashtextextended('departures ' || w, 0)) FROM unnest($1::text[]) AS w`,
        [ids],
      )
    : sql.query(
        `SELECT pg_advisory_xact_lock(hashtextextended('departures ' || w, 0)) FROM unnest($1::text[]) AS w`,
        [ids],
      );
};

/** Keeps who has left and forgets who has come back. Each person once. */
export const writeDepartures = (
  sql: TransactionSql,
  { left, here }: { left: readonly Version[]; here: readonly Version[] },
): void => {
  if (left.length > 0) {
    const rows = inOrder(left);
    sql.write(
      `INSERT INTO departed_person (workspace_id, person_id, version)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
       ON CONFLICT (workspace_id, person_id) DO UPDATE SET version = excluded.version
        WHERE departed_person.version < excluded.version`,
      [
        rows.map(({ workspaceId }) => workspaceId),
        rows.map(({ personId }) => personId),
        rows.map(({ version }) => version),
      ],
    );
  }
  if (here.length > 0) {
    const rows = inOrder(here);
    sql.write(
      `DELETE FROM departed_person d USING unnest($1::uuid[], $2::uuid[], $3::int[]) AS here (workspace_id, person_id, version)
        WHERE d.workspace_id = here.workspace_id AND d.person_id = here.person_id AND d.version < here.version`,
      [
        rows.map(({ workspaceId }) => workspaceId),
        rows.map(({ personId }) => personId),
        rows.map(({ version }) => version),
      ],
    );
  }
};

/** Whoever is deleted, as a version of them. */
export const deleted = (workspaceId: string, personId: string): Version => ({
  workspaceId,
  personId,
  version: forEver,
});

/** Tells of each of these whether they have left since they were found to be active. */
export const findDepartures = async (
  sql: Sql,
  candidates: readonly Candidate[],
): Promise<(candidate: Candidate) => boolean> => {
  const people = inOrder([...new Map(candidates.map((one) => [keyOf(one), one])).values()]);
  const rows = await sql.query<{ workspaceId: string; personId: string; version: number }>(
    `SELECT d.workspace_id AS "workspaceId", d.person_id AS "personId", d.version
       FROM unnest($1::uuid[], $2::uuid[]) AS asked (workspace_id, person_id) JOIN departed_person d USING (workspace_id, person_id)`,
    [people.map(({ workspaceId }) => workspaceId), people.map(({ personId }) => personId)],
  );
  const departures = new Map(rows.map((row) => [keyOf(row), row.version]));
  return (candidate) => (departures.get(keyOf(candidate)) ?? -1) > (candidate.version ?? 0);
};
