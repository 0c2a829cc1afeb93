import { parseFrontier, serializeFrontier, type Frontier } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { Progress } from './check-log';

/** Longer than any look. */
const claimSeconds = 60;

/** A log that this process checks now; nobody else does. */
export interface Claim extends Progress {
  workspaceId: string;
  claim: string;
  isPassDue: boolean;
  /** Somebody has made something of the progress that cannot be read; it is then as if there was none. */
  isUnreadable: boolean;
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
    known: Buffer | null;
    pass: Buffer | null;
    is_pass_due: boolean;
  }>(
    `UPDATE self_check SET claim = $1, claimed_until = now() + interval '${claimSeconds} seconds'
      WHERE workspace_id = (
        SELECT workspace_id FROM self_check WHERE due_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING workspace_id, claim, tail, known, pass, pass_due_at <= now() AS is_pass_due`,
    [v7()],
  );
  if (!row) return null;
  const { workspace_id: workspaceId, claim, is_pass_due: isPassDue } = row;
  return { workspaceId, claim, isPassDue, ...progressOf(row) };
};

const progressOf = (row: Record<keyof Progress, Buffer | null>): Progress & { isUnreadable: boolean } => {
  const frontierOf = (bytes: Buffer | null) => bytes && parseFrontier(bytes);
  try {
    const progress = { tail: frontierOf(row.tail), known: frontierOf(row.known), pass: frontierOf(row.pass) };
    return { ...progress, isUnreadable: false };
  } catch {
    return { tail: null, known: null, pass: null, isUnreadable: true };
  }
};

/** What a look has come to. */
export interface Outcome extends Progress {
  hasPassed: boolean;
  /** Milliseconds until the next look, but where a pass has been asked for meanwhile, and until the next pass may begin. */
  nextInMs: number;
  soonInMs: number;
  nextPassInMs: number;
}

/** Keeps how far it came, and ends the claim; false when the claim was lost: then nothing of the look counts. */
export const settleClaim = async (
  sql: Sql,
  { workspaceId, claim, isPassDue }: Claim,
  { tail, known, pass, hasPassed, nextInMs, soonInMs, nextPassInMs }: Outcome,
): Promise<boolean> => {
  const bytesOf = (frontier: Frontier | null) => frontier && serializeFrontier(frontier);
  const rows = await sql.query(
    `UPDATE self_check
        SET tail = $3, verified = $4, known = $10, pass = $5, checked_at = now(),
            due_at = now() + make_interval(secs => CASE WHEN pass_due_at <= now() AND NOT $7 THEN $11::float8 ELSE $6::float8 END),
            pass_started_at = CASE WHEN $7 THEN now() ELSE pass_started_at END,
            pass_due_at = CASE WHEN $7 THEN now() + make_interval(secs => $8) ELSE pass_due_at END,
            passed_at = CASE WHEN $9 THEN now() ELSE passed_at END,
            claim = NULL, claimed_until = NULL
      WHERE workspace_id = $1 AND claim = $2 RETURNING 1`,
    [
      workspaceId,
      claim,
      bytesOf(tail),
      String(tail?.size ?? 0n),
      bytesOf(pass),
      nextInMs / 1e3,
      isPassDue,
      nextPassInMs / 1e3,
      hasPassed,
      bytesOf(known),
      soonInMs / 1e3,
    ],
  );
  return rows.length > 0;
};

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
