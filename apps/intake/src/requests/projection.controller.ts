import { Controller } from '@nestjs/common';
import type { RequestSnapshot } from '@countersign/contracts';
import { readErasedRequests } from '@countersign/erasure';
import { Handles, NotYet, type Message, type Tx } from '@countersign/messaging';
import { CommandOutcomes } from '../commands/command-outcomes';
import { TaskArrivals } from '../tasks/task-arrivals';
import { timelineDetail } from './timeline';
import { isTimelineEntry } from './timeline-rules';

/** Keeps the read model: requests, tasks and timelines as routing says they are, and the outcome of commands. */
@Controller()
export class ProjectionController {
  constructor(
    private readonly outcomes: CommandOutcomes,
    private readonly arrivals: TaskArrivals,
  ) {}

  @Handles('request.transitioned.v1')
  async transitioned(arrived: Message<'request.transitioned.v1'>[], tx: Tx): Promise<void> {
    const erased = await readErasedRequests(
      tx,
      arrived.map(({ data }) => data.request.id),
    );
    const messages = arrived.map((message) => ({
      ...message,
      data: erased.redact(message.data.request.id, message.data),
    }));
    const newest = new Map<string, RequestSnapshot>();
    for (const { data } of messages) {
      if ((newest.get(data.request.id)?.version ?? 0) < data.request.version)
        newest.set(data.request.id, data.request);
    }
    const requests = [...newest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const payloads = payloadsOf(messages);
    await requirePayloads(tx, requests, payloads);
    storePayloads(tx, payloads);
    storeRequests(tx, requests);
    storeTasks(tx, requests);
    storeEvents(tx, messages);
    tx.afterCommit(() => {
      this.outcomes.stored(requests);
      this.arrivals.arrived(tasksOf(requests).map(({ task }) => task.id));
    });
  }

  @Handles('command.settled.v1')
  async settled(messages: Message<'command.settled.v1'>[], tx: Tx): Promise<void> {
    tx.write(
      `UPDATE command c SET state = s.state, request_version = s.request_version,
              refused = CASE WHEN s.refused IS NULL THEN NULL
                             WHEN EXISTS (SELECT FROM erased_request e WHERE e.request_id = c.request_id) THEN erased_refusal(s.refused)
                             ELSE s.refused END
         FROM unnest($1::uuid[], $2::text[], $3::int[], $4::json[]) AS s (id, state, request_version, refused)
        WHERE c.id = s.id AND c.state = 'pending'`,
      [
        messages.map(({ data }) => data.commandId),
        messages.map(({ data }) => (data.refused ? 'refused' : 'done')),
        messages.map(({ data }) => data.requestVersion),
        messages.map(({ data }) => (data.refused ? JSON.stringify(data.refused) : null)),
      ],
    );
    tx.afterCommit(() =>
      this.outcomes.settled(
        messages.map(({ data: { commandId, requestId, requestVersion, refused } }) => ({
          id: commandId,
          requestId,
          requestVersion,
          state: refused ? 'refused' : 'done',
          refused,
        })),
      ),
    );
  }
}

interface Payload {
  request: RequestSnapshot;
  revision: number;
  value: unknown;
}

const keyOf = (requestId: string, revision: number): string => `${requestId} ${revision}`;

/** The newest payload of each revision that these transitions bring; that of a creation is here since the call was taken. */
const payloadsOf = (messages: readonly Message<'request.transitioned.v1'>[]): Map<string, Payload> => {
  const newest = new Map<string, Payload>();
  for (const {
    data: { request, events, revisionPayload },
  } of messages) {
    if (!revisionPayload || events.some(({ type }) => type === 'request.created')) continue;
    const { revision, payload } = revisionPayload;
    const key = keyOf(request.id, revision);
    if ((newest.get(key)?.request.version ?? 0) < request.version)
      newest.set(key, { request, revision, value: payload.value });
  }
  return newest;
};

/** A request is not shown without its payload: when that is still on its way, by an earlier transition, this one waits. */
const requirePayloads = async (
  tx: Tx,
  requests: readonly RequestSnapshot[],
  brought: ReadonlyMap<string, Payload>,
): Promise<void> => {
  const wanted = requests.filter(
    ({ id, payloadRevision }) => payloadRevision > 1 && !brought.has(keyOf(id, payloadRevision)),
  );
  if (wanted.length === 0) return;
  const found = await tx.query(
    `SELECT FROM unnest($1::uuid[], $2::int[]) AS wanted (request_id, revision) JOIN request_payload USING (request_id, revision)`,
    [wanted.map(({ id }) => id), wanted.map(({ payloadRevision }) => payloadRevision)],
  );
  if (found.length < wanted.length) throw new NotYet('the payload of the revision has not arrived yet');
};

/** An edited draft's payload takes the place of the one before, in whatever order they come. */
const storePayloads = (tx: Tx, payloads: ReadonlyMap<string, Payload>): void => {
  if (payloads.size === 0) return;
  const rows = [...payloads.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, payload]) => payload);
  tx.write(
    `INSERT INTO request_payload (request_id, revision, workspace_id, request_version, payload)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::int[], $5::json[])
     ON CONFLICT (request_id, revision) DO UPDATE
        SET request_version = excluded.request_version, payload = excluded.payload
      WHERE request_payload.request_version < excluded.request_version`,
    [
      rows.map(({ request }) => request.id),
      rows.map(({ revision }) => revision),
      rows.map(({ request }) => request.workspaceId),
      rows.map(({ request }) => request.version),
      rows.map(({ value }) => JSON.stringify(value)),
    ],
  );
};

/** The whole state is in each message: a newer version replaces, an older one is a duplicate or late and changes nothing. */
const storeRequests = (tx: Tx, requests: readonly RequestSnapshot[]): void => {
  tx.write(
    `INSERT INTO request (id, workspace_id, version, payload_revision, state, workflow_key, requester_id, external_ref, created_at, snapshot)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::timestamptz[], $10::json[])
     ON CONFLICT (id) DO UPDATE
        SET version = excluded.version, payload_revision = excluded.payload_revision, state = excluded.state, snapshot = excluded.snapshot
      WHERE request.version < excluded.version`,
    [
      requests.map(({ id }) => id),
      requests.map(({ workspaceId }) => workspaceId),
      requests.map(({ version }) => version),
      requests.map(({ payloadRevision }) => payloadRevision),
      requests.map(({ state }) => state),
      requests.map(({ workflow }) => workflow.key),
      requests.map(({ requester }) => requester.id),
      requests.map(({ externalRef }) => externalRef),
      requests.map(({ createdAt }) => createdAt),
      requests.map((request) => JSON.stringify(request)),
    ],
  );
};

const tasksOf = (requests: readonly RequestSnapshot[]) =>
  requests.flatMap((request) =>
    request.stages.flatMap(({ tasks }) => tasks.map((task) => ({ request, task }))),
  );

const storeTasks = (tx: Tx, requests: readonly RequestSnapshot[]): void => {
  const rows = tasksOf(requests);
  if (rows.length === 0) return;
  tx.write(
    `INSERT INTO task (id, workspace_id, request_id, request_version, workflow_key, assignee_id, on_behalf_of_id, state, due_at, task)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::uuid[], $8::text[], $9::timestamptz[], $10::json[])
     ON CONFLICT (id) DO UPDATE
        SET request_version = excluded.request_version, state = excluded.state, due_at = excluded.due_at, task = excluded.task
      WHERE task.request_version < excluded.request_version`,
    [
      rows.map(({ task }) => task.id),
      rows.map(({ request }) => request.workspaceId),
      rows.map(({ request }) => request.id),
      rows.map(({ request }) => request.version),
      rows.map(({ request }) => request.workflow.key),
      rows.map(({ task }) => task.assignee.id),
      rows.map(({ task }) => task.onBehalfOf?.id ?? null),
      rows.map(({ task }) => task.state),
      rows.map(({ task }) => task.dueAt),
      rows.map(({ task }) => JSON.stringify(task)),
    ],
  );
};

const storeEvents = (tx: Tx, messages: readonly Message<'request.transitioned.v1'>[]): void => {
  const rows = messages.flatMap(({ data }) =>
    data.events.filter(isTimelineEntry).map((event) => ({ request: data.request, event })),
  );
  if (rows.length === 0) return;
  tx.write(
    `INSERT INTO request_event (id, workspace_id, request_id, request_version, at, type, actor, detail)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::text[], $7::json[], $8::json[])
     ON CONFLICT DO NOTHING`,
    [
      rows.map(({ event }) => event.id),
      rows.map(({ request }) => request.workspaceId),
      rows.map(({ request }) => request.id),
      rows.map(({ request }) => request.version),
      rows.map(({ event }) => event.at),
      rows.map(({ event }) => event.type),
      rows.map(({ event }) => JSON.stringify(event.actor)),
      rows.map(({ request, event }) => JSON.stringify(timelineDetail(event, request))),
    ],
  );
};
