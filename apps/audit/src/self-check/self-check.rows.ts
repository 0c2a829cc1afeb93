import { parseFrontier, serializeFrontier, type Frontier } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { readHead } from '../log/stored-head';
import type { HeadAtOnce, Progress } from './check-log';
import type { Finding, FindingKind } from './finding';

/** Longer than any look. */
const claimSeconds = 60;

/** A log that this process checks now; nobody else does. */
export interface Claim extends Progress {
  workspaceId: string;
  claim: string;
  isPassDue: boolean;
}

/** Takes up logs that have come into being since. Seen by the relay's role: which logs there are, nothing else. */
export const takeUpNewLogs = (everywhere: Sql): Promise<unknown> =>
  everywhere.query(
    `INSERT INTO self_check (workspace_id)
     SELECT workspace_id FROM log_head h WHERE NOT EXISTS (SELECT FROM self_check s WHERE s.workspace_id = h.workspace_id)
     ON CONFLICT DO NOTHING`,
  );

/** The log that has waited longest for its look, if one is due. */
export const claimNext = async (everywhere: Sql): Promise<Claim | null> => {
  const [row] = await everywhere.query<{
    workspace_id: string;
    claim: string;
    tail: Buffer | null;
    pass: Buffer | null;
    is_pass_due: boolean;
  }>(
    `UPDATE self_check SET claim = $1, claimed_until = now() + interval '${claimSeconds} seconds'
      WHERE workspace_id = (
        SELECT workspace_id FROM self_check WHERE due_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING workspace_id, claim, tail, pass, pass_due_at <= now() AS is_pass_due`,
    [v7()],
  );
  return row
    ? {
        workspaceId: row.workspace_id,
        claim: row.claim,
        tail: row.tail && parseFrontier(row.tail),
        pass: row.pass && parseFrontier(row.pass),
        isPassDue: row.is_pass_due,
      }
    : null;
};

/** Head and last entry by one snapshot: between two an append may be committed. */
export const readHeadAtOnce = async (sql: Sql, workspaceId: string): Promise<HeadAtOnce | null> => {
  const [row] = await sql.query<{ last: string | null; frontier: Buffer; checkpoint: string }>(
    `SELECT h.frontier, h.checkpoint,
            (SELECT index FROM entry e WHERE e.workspace_id = h.workspace_id ORDER BY index DESC LIMIT 1) AS last
       FROM log_head h WHERE h.workspace_id = $1`,
    [workspaceId],
  );
  const head = await readHead(sql, workspaceId);
  if (!row || !head) return null;
  return {
    ...head,
    frontier: parseFrontier(row.frontier),
    checkpoint: row.checkpoint,
    lastIndex: row.last === null ? null : BigInt(row.last),
  };
};

/** What a look has come to. */
export interface Outcome {
  tail: Frontier | null;
  pass: Frontier | null;
  hasPassed: boolean;
  /** Milliseconds until the next look, and until the next pass begins once this one is over. */
  nextInMs: number;
  nextPassInMs: number;
}

/** Keeps how far it came, and ends the claim; false when the claim was lost: then nothing of the look counts. */
export const settleClaim = async (
  sql: Sql,
  { workspaceId, claim, isPassDue }: Claim,
  { tail, pass, hasPassed, nextInMs, nextPassInMs }: Outcome,
): Promise<boolean> => {
  const rows = await sql.query(
    `UPDATE self_check
        SET tail = $3, verified = $4, pass = $5, checked_at = now(), due_at = now() + make_interval(secs => $6),
            pass_started_at = CASE WHEN $7 THEN now() ELSE pass_started_at END,
            pass_due_at = CASE WHEN $7 THEN now() + make_interval(secs => $8) ELSE pass_due_at END,
            passed_at = CASE WHEN $9 THEN now() ELSE passed_at END,
            claim = NULL, claimed_until = NULL
      WHERE workspace_id = $1 AND claim = $2 RETURNING 1`,
    [
      workspaceId,
      claim,
      tail && serializeFrontier(tail),
      String(tail?.size ?? 0n),
      pass && serializeFrontier(pass),
      nextInMs / 1e3,
      isPassDue,
      nextPassInMs / 1e3,
      hasPassed,
    ],
  );
  return rows.length > 0;
};

/** A finding as it is kept. */
export interface Tampering extends Record<string, unknown> {
  id: string;
  kind: FindingKind;
  index: string;
  detail: string;
  foundAt: Date;
  seenAt: Date;
}

/** Keeps findings, and answers those that were not known yet. */
export const storeFindings = async (
  sql: Sql,
  workspaceId: string,
  findings: readonly Finding[],
): Promise<Tampering[]> => {
  const distinct = [
    ...new Map(findings.map((finding) => [`${finding.kind}/${finding.index}`, finding])).values(),
  ];
  if (distinct.length === 0) return [];
  const rows = await sql.query<Tampering & { is_new: boolean }>(
    `INSERT INTO tampering (workspace_id, id, kind, index, detail)
     SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::text[])
     ON CONFLICT (workspace_id, kind, index) DO UPDATE SET seen_at = now()
     RETURNING id, kind, index, detail, found_at AS "foundAt", seen_at AS "seenAt", xmax = 0 AS is_new`,
    [
      workspaceId,
      distinct.map(() => v7()),
      distinct.map(({ kind }) => kind),
      distinct.map(({ index }) => String(index)),
      distinct.map(({ detail }) => detail),
    ],
  );
  const fresh = rows.filter((row) => row.is_new);
  await sql.query('UPDATE self_check SET findings = findings + $2 WHERE workspace_id = $1', [
    workspaceId,
    fresh.length,
  ]);
  return fresh;
};

/** Newest first, before an id; one row more than the page. */
export const listFindings = (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
): Promise<Tampering[]> =>
  sql.query<Tampering>(
    `SELECT id, kind, index, detail, found_at AS "foundAt", seen_at AS "seenAt" FROM tampering
      WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit + 1],
  );

export interface SelfCheckState extends Record<string, unknown> {
  verified: string;
  checkedAt: Date | null;
  passStartedAt: Date | null;
  passedAt: Date | null;
  findings: number;
}

export const readState = async (sql: Sql, workspaceId: string): Promise<SelfCheckState | null> => {
  const [row] = await sql.query<SelfCheckState>(
    `SELECT verified, checked_at AS "checkedAt", pass_started_at AS "passStartedAt", passed_at AS "passedAt", findings
       FROM self_check WHERE workspace_id = $1`,
    [workspaceId],
  );
  return row ?? null;
};

/** Everything is to be looked at again, from now on. */
export const requestPass = (sql: Sql, workspaceId: string): Promise<unknown> =>
  sql.query(
    `INSERT INTO self_check (workspace_id) VALUES ($1)
     ON CONFLICT (workspace_id) DO UPDATE SET due_at = now(), pass_due_at = now()`,
    [workspaceId],
  );

export interface Totals extends Record<string, unknown> {
  logs: number;
  verified: number;
  findings: number;
  oldestCheck: Date | null;
  oldestPass: Date | null;
}

/** Of all logs; one that was never checked counts from when it became due. */
export const readTotals = async (everywhere: Sql): Promise<Totals> => {
  const [row] = await everywhere.query<Totals>(
    `SELECT count(*)::int AS logs, coalesce(sum(verified), 0)::float8 AS verified, coalesce(sum(findings), 0)::int AS findings,
            min(coalesce(checked_at, due_at)) AS "oldestCheck", min(coalesce(passed_at, pass_due_at)) AS "oldestPass"
       FROM self_check`,
  );
  return row!;
};
