import type { Sql } from '@countersign/persistence';
import type { ExhaustedDelivery } from '../events/operational-event';
import type { EndpointNews } from '../operations/announce-operations';
import type { AttemptOutcome } from './attempt';
import { healthAfter, type EndpointHealth, type Finding } from './endpoint-health';
import type { RecordedOutcome } from './record-outcomes';

/** What recorded outcomes mean for their endpoints. */
export interface Judgement {
  news: EndpointNews[];
  /** To be disabled: every attempt has failed for too long. */
  givenUp: { endpointId: string; workspaceId: string; failingSince: Date }[];
  /** Something is held that may go, or a probe is to be made at some time. */
  isSweepNeeded: boolean;
}

interface Evidence {
  findings: Finding[];
  isCrowded: boolean;
  isConcerned: boolean;
}

interface HealthRow extends EndpointHealth, Record<string, unknown> {
  endpointId: string;
  workspaceId: string;
}

/** Keeps the health of endpoints. Where nothing fails and nothing has failed, nothing is read or written. */
export const judgeEndpoints = async (
  sql: Sql,
  outcomes: readonly AttemptOutcome[],
  recorded: readonly RecordedOutcome[],
  now: Date,
): Promise<Judgement> => {
  const judgement: Judgement = {
    news: await newsOfExhausted(sql, outcomes, recorded),
    givenUp: [],
    isSweepNeeded: false,
  };
  const evidence = gather(outcomes, recorded);
  const concerned = [...evidence].filter(([, { isConcerned }]) => isConcerned).map(([id]) => id);
  if (concerned.length === 0) return judgement;
  const rows = await lockHealth(sql, concerned.sort());
  const changed: { row: HealthRow; health: EndpointHealth; isReleased: boolean }[] = [];
  for (const row of rows) {
    const { findings, isCrowded } = evidence.get(row.endpointId)!;
    const { endpointId, workspaceId } = row;
    const { health, news, isGivenUp, isReleased } = healthAfter(row, findings, isCrowded, now, Math.random());
    changed.push({ row, health, isReleased });
    judgement.isSweepNeeded ||= isReleased || health.isOpen;
    for (const { what, failingSince } of news) {
      const operation = { type: `endpoint.${what}`, failingSince: failingSince.toISOString() } as const;
      judgement.news.push({ endpointId, operation });
    }
    if (isGivenUp && health.failingSince)
      judgement.givenUp.push({ endpointId, workspaceId, failingSince: health.failingSince });
  }
  await writeHealth(sql, changed);
  return judgement;
};

const gather = (
  outcomes: readonly AttemptOutcome[],
  recorded: readonly RecordedOutcome[],
): Map<string, Evidence> => {
  const byId = new Map(outcomes.map((outcome) => [outcome.deliveryId, outcome]));
  const evidence = new Map<string, Evidence>();
  for (const { id, endpoint_id, was_failing } of recorded) {
    const outcome = byId.get(id);
    if (!outcome) continue;
    const of = evidence.get(endpoint_id) ?? { findings: [], isCrowded: false, isConcerned: false };
    evidence.set(endpoint_id, of);
    const { result } = outcome;
    const isWell = result?.error === null;
    if (result) of.findings.push({ deliveryId: id, at: result.at, isWell });
    of.isCrowded ||= outcome.isCrowdedOut;
    of.isConcerned ||= was_failing || (result !== null && !isWell);
  }
  return evidence;
};

/** Of endpoints that are there, in their order; the row of one that has never failed is made now. */
const lockHealth = async (sql: Sql, endpointIds: readonly string[]): Promise<HealthRow[]> => {
  await sql.query(
    `INSERT INTO endpoint_health (endpoint_id, workspace_id)
     SELECT id, workspace_id FROM endpoint WHERE id = ANY ($1::uuid[]) ORDER BY id ON CONFLICT DO NOTHING`,
    [endpointIds],
  );
  return sql.query<HealthRow>(
    `SELECT h.endpoint_id AS "endpointId", h.workspace_id AS "workspaceId", h.failing_since AS "failingSince", h.failures, h.told_since AS "toldSince",
            h.is_open AS "isOpen", h.probe_at AS "probeAt", h.probe_wait_ms AS "probeWaitMs", h.probing
       FROM endpoint_health h JOIN endpoint e ON e.id = h.endpoint_id AND e.state = 'enabled'
      WHERE h.endpoint_id = ANY ($1::uuid[]) ORDER BY h.endpoint_id FOR UPDATE OF h`,
    [endpointIds],
  );
};

const writeHealth = async (
  sql: Sql,
  changed: readonly { row: HealthRow; health: EndpointHealth; isReleased: boolean }[],
): Promise<void> => {
  await sql.query(
    `UPDATE endpoint_health h
        SET failing_since = c.failing_since, failures = c.failures, told_since = c.told_since, is_open = c.is_open, probe_at = c.probe_at,
            probe_wait_ms = c.probe_wait_ms, probing = c.probing,
            drain = CASE WHEN c.is_released THEN coalesce(h.drain, 'release') ELSE h.drain END
       FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::timestamptz[], $5::boolean[], $6::timestamptz[], $7::int[], $8::uuid[], $9::boolean[])
         AS c (endpoint_id, failing_since, failures, told_since, is_open, probe_at, probe_wait_ms, probing, is_released)
      WHERE h.endpoint_id = c.endpoint_id`,
    [
      changed.map(({ row }) => row.endpointId),
      changed.map(({ health }) => health.failingSince?.toISOString() ?? null),
      changed.map(({ health }) => health.failures),
      changed.map(({ health }) => health.toldSince?.toISOString() ?? null),
      changed.map(({ health }) => health.isOpen),
      changed.map(({ health }) => health.probeAt?.toISOString() ?? null),
      changed.map(({ health }) => health.probeWaitMs),
      changed.map(({ health }) => health.probing),
      changed.map(({ isReleased }) => isReleased),
    ],
  );
};

interface ExhaustedRow extends ExhaustedDelivery, Record<string, unknown> {
  endpointId: string;
}

/** Dead letters, but for those of events that are about endpoints and deliveries themselves: such talk would never end. */
const newsOfExhausted = async (
  sql: Sql,
  outcomes: readonly AttemptOutcome[],
  recorded: readonly RecordedOutcome[],
): Promise<EndpointNews[]> => {
  const gone = new Set(outcomes.filter(({ isGone }) => isGone).map(({ deliveryId }) => deliveryId));
  const ids = recorded.filter(({ id, state }) => state === 'failed' && !gone.has(id)).map(({ id }) => id);
  if (ids.length === 0) return [];
  const byId = new Map(outcomes.map((outcome) => [outcome.deliveryId, outcome.result]));
  const rows = await sql.query<ExhaustedRow>(
    `SELECT d.id, d.endpoint_id AS "endpointId", d.event_id AS "eventId", v.type AS "eventType", d.request_id AS "requestId", d.tries AS attempts
       FROM delivery d JOIN event v ON v.id = d.event_id
      WHERE d.id = ANY ($1::uuid[]) AND d.request_id IS NOT NULL`,
    [ids],
  );
  return rows.map(({ endpointId, id, eventId, eventType, requestId, attempts }) => ({
    endpointId,
    operation: {
      type: 'delivery.exhausted',
      delivery: {
        id,
        eventId,
        eventType,
        requestId,
        attempts,
        lastStatus: byId.get(id)?.status ?? null,
        lastError: byId.get(id)?.error ?? null,
      },
    },
  }));
};
