import type { RequestView } from '@countersign/contracts';
import { auditEntries } from './audit-log';
import type { Books, Subscriber } from './ledger';
import { heardAt, type Load } from './load';
import type { RecordingServer } from './recording-server';
import type { TestSystem } from './test-system';

const allTypes = new Set([
  'request.created',
  'request.submitted',
  'request.stage_started',
  'request.stage_approved',
  'request.approved',
  'request.rejected',
  'request.canceled',
  'request.completed',
  'task.assigned',
  'task.decided',
]);

/** Rows that may exist only while something is under way. */
const leftOvers: Record<string, string> = {
  'open requests': `FROM intake.request WHERE state NOT IN ('completed', 'rejected', 'canceled', 'failed', 'expired')`,
  'open tasks': `FROM intake.task WHERE state = 'open'`,
  'pending commands': `FROM intake.command WHERE state = 'pending'`,
  'resolutions under way': `FROM approver_resolution.resolution WHERE state <> 'settled'`,
  'resolver calls': 'FROM approver_resolution.resolver_call',
  'pending deliveries': `FROM notification.delivery WHERE state = 'pending'`,
  'failed deliveries': `FROM notification.delivery WHERE state = 'failed'`,
  'pending mails': `FROM notification.mail WHERE state = 'pending'`,
  'ended deliveries that are not in the log': `FROM notification.delivery d WHERE state <> 'pending' AND NOT EXISTS (
    SELECT FROM audit.entry WHERE type = 'delivery.ended' AND content ->> 'deliveryId' = d.id::text)`,
  'ended mails that are not in the log': `FROM notification.mail m WHERE state NOT IN ('pending', 'held') AND NOT EXISTS (
    SELECT FROM audit.entry WHERE type = 'mail.ended' AND content ->> 'mailId' = m.id::text)`,
  // Nothing is replayed there.
  'endings that are in the log twice': `FROM (
    SELECT coalesce(content ->> 'deliveryId', content ->> 'mailId') AS id FROM audit.entry
     WHERE type IN ('delivery.ended', 'mail.ended') GROUP BY 1 HAVING count(*) > 1) AS doubled`,
  ...Object.fromEntries(
    ['access', 'intake', 'routing', 'approver_resolution', 'notification', 'audit'].flatMap((schema) => [
      [`unsettled messages of ${schema}`, `FROM ${schema}.outbox_destination`],
      [`dead letters of ${schema}`, `FROM ${schema}.dead_letter`],
    ]),
  ),
};

export async function countLeftOver({ sql }: TestSystem): Promise<Record<string, number>> {
  const names = Object.keys(leftOvers);
  const [row] = await sql<Record<string, string>>(
    `SELECT ${names.map((name) => `(SELECT count(*) ${leftOvers[name]}) AS "${name}"`).join(', ')}`,
  );
  return Object.fromEntries(names.map((name) => [name, Number(row?.[name])]));
}

/** Some of the rows that are left over, by name, for whoever wants to know why. */
export async function sampleLeftOver({ sql }: TestSystem): Promise<Record<string, object[]>> {
  const samples: Record<string, object[]> = {};
  for (const [name, from] of Object.entries(leftOvers)) {
    const rows = await sql(`SELECT * ${from} LIMIT 20`);
    if (rows.length > 0) samples[name] = rows;
  }
  return samples;
}

/** The books of a system, as its owner finds them in its databases and as its subscribers have kept them. */
export async function readBooks(
  system: TestSystem,
  load: Load,
  subscribers: RecordingServer,
): Promise<Books> {
  const { sql, admin } = system;
  const log = await auditEntries(admin);
  return {
    promised: load.promised,
    requests: await sql(`SELECT id, aggregate ->> 'state' AS state, version FROM routing.request`),
    decisions: await sql(
      `SELECT task_id AS "taskId", request_id AS "requestId", decision FROM routing.decision`,
    ),
    outcomes: await sql(`SELECT request_id AS "requestId", state FROM routing.outcome`),
    shown: await sql(`SELECT id, state, version FROM intake.request`),
    log,
    subscribers: [
      standard(subscribers),
      easylife(subscribers, new Map(log.map(({ id, type }) => [id, type]))),
    ],
    leftOver: await countLeftOver(system),
  };
}

const standard = (subscribers: RecordingServer): Subscriber => ({
  name: 'the standard subscriber',
  types: allTypes,
  heard: heardAt(subscribers, '/standard', (body) => {
    const { type, data } = JSON.parse(body) as { type: string; data: { request: RequestView } };
    return { type, requestId: data.request.id, requestVersion: data.request.version };
  }),
});

/** Its bodies do not say which event they are of: the webhook-id does. */
const easylife = (subscribers: RecordingServer, typeOf: ReadonlyMap<string, string>): Subscriber => {
  const heard = heardAt(subscribers, '/easylife', (body) => {
    const { requestId } = JSON.parse(body) as { requestId: string };
    return { type: '', requestId, requestVersion: null };
  });
  return {
    name: 'the EasyLife subscriber',
    types: new Set(['request.created', 'request.stage_approved', 'request.approved', 'request.rejected']),
    heard: heard.map((call) => ({
      ...call,
      type: typeOf.get(call.webhookId) ?? 'an event that is not in the log',
    })),
  };
};
