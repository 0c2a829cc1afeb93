import { Injectable } from '@nestjs/common';
import type { Actor, RequestToErase } from '@countersign/contracts';
import { forgetPerson } from '@countersign/directory-replica';
import { redactorOf, type Counts, type Eraser, type ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';

type Redact = ReturnType<typeof redactorOf>;

interface RequestRow extends Record<string, unknown> {
  id: string;
  snapshot: unknown;
  requester: unknown;
}

interface EventRow extends Record<string, unknown> {
  id: string;
  request_id: string;
  request_version: number;
  actor: Actor;
  detail: unknown;
}

interface DocumentRow extends Record<string, unknown> {
  id: string;
  request_id: string;
  document: unknown;
}

interface PayloadRow extends Record<string, unknown> {
  request_id: string;
  revision: number;
  payload: unknown;
}

const asJson = (value: unknown): string => JSON.stringify(value ?? null);

/** Those that the redaction changes, with what they become. */
const changedOf = <Row extends { request_id: string }>(
  rows: readonly Row[],
  documentOf: (row: Row) => unknown,
  redactorFor: (requestId: string) => Redact | undefined,
  authorOf: (row: Row) => string | null | undefined = () => undefined,
): { row: Row; after: string }[] =>
  rows.flatMap((row) => {
    const redact = redactorFor(row.request_id);
    if (!redact) return [];
    const [before, after] = [documentOf(row), redact(documentOf(row), authorOf(row))].map(asJson);
    return after === undefined || after === before ? [] : [{ row, after }];
  });

/** The read model: requests, payloads, timelines, tasks, and why commands were refused. */
@Injectable()
export class IntakeEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]): Promise<Counts> {
    const ids = requests.map(({ id }) => id);
    const found = await tx.query<RequestRow>(
      'SELECT id, snapshot, requester FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE',
      [ids],
    );
    const [events, tasks, payloads] = await Promise.all([
      tx.query<EventRow>(
        'SELECT id, request_id, request_version, actor, detail FROM request_event WHERE request_id = ANY ($1::uuid[])',
        [ids],
      ),
      tx.query<DocumentRow>(
        'SELECT id, request_id, task AS document FROM task WHERE request_id = ANY ($1::uuid[])',
        [ids],
      ),
      tx.query<PayloadRow>(
        'SELECT request_id, revision, payload FROM request_payload WHERE request_id = ANY ($1::uuid[])',
        [requests.filter(({ isRequester }) => !isRequester).map(({ id }) => id)],
      ),
    ]);
    const known = new Map<string, unknown[]>(
      found.map(({ id, snapshot, requester }) => [id, [snapshot, requester]]),
    );
    for (const { request_id: id, detail } of events) known.get(id)?.push(detail);
    const redactors = new Map(
      requests.map((request) => [request.id, redactorOf(scope, request, known.get(request.id) ?? [])]),
    );
    const redactorFor = (id: string) => redactors.get(id);
    const own = requests.filter(({ isRequester }) => isRequester).map(({ id }) => id);

    const changedRequests = found.flatMap(({ id, snapshot, requester }) => {
      const redact = redactors.get(id);
      if (!redact) return [];
      const after = { id, snapshot: asJson(redact(snapshot)), requester: asJson(redact(requester)) };
      return after.snapshot === asJson(snapshot) && after.requester === asJson(requester) ? [] : [after];
    });
    const changedEvents = changedOf(
      events,
      ({ detail }) => detail,
      redactorFor,
      ({ actor }) => (actor.type === 'user' ? actor.id : null),
    );
    const changedTasks = changedOf(tasks, ({ document }) => document, redactorFor);
    const changedPayloads = changedOf(payloads, ({ payload }) => payload, redactorFor);
    writeRequests(tx, changedRequests, own);
    writeEvents(tx, changedEvents);
    writeTasks(tx, changedTasks, own);
    writePayloads(tx, changedPayloads);
    const [emptied, refusals] = await Promise.all([emptyPayloads(tx, own), eraseRefusals(tx, ids)]);
    return {
      requests: changedRequests.length,
      timeline: changedEvents.length,
      tasks: changedTasks.length,
      payloads: changedPayloads.length + emptied,
      commands: refusals,
    };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    return { people: await forgetPerson(tx, workspaceId, subject) };
  }
}

const writeRequests = (
  tx: Tx,
  rows: readonly { id: string; snapshot: string; requester: string }[],
  own: readonly string[],
): void => {
  tx.write(
    'UPDATE request SET external_ref = NULL WHERE id = ANY ($1::uuid[]) AND external_ref IS NOT NULL',
    [own],
  );
  if (rows.length === 0) return;
  tx.write(
    `UPDATE request r SET snapshot = c.snapshot, requester = CASE WHEN r.requester IS NOT NULL THEN c.requester END
       FROM unnest($1::uuid[], $2::json[], $3::json[]) AS c (id, snapshot, requester) WHERE r.id = c.id`,
    [rows.map(({ id }) => id), rows.map(({ snapshot }) => snapshot), rows.map(({ requester }) => requester)],
  );
};

const writeEvents = (tx: Tx, rows: readonly { row: EventRow; after: string }[]): void => {
  if (rows.length === 0) return;
  tx.write(
    `UPDATE request_event e SET detail = c.detail
       FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::json[]) AS c (request_id, request_version, id, detail)
      WHERE e.request_id = c.request_id AND e.request_version = c.request_version AND e.id = c.id`,
    [
      rows.map(({ row }) => row.request_id),
      rows.map(({ row }) => row.request_version),
      rows.map(({ row }) => row.id),
      rows.map(({ after }) => after),
    ],
  );
};

const writeTasks = (
  tx: Tx,
  rows: readonly { row: DocumentRow; after: string }[],
  own: readonly string[],
): void => {
  tx.write('UPDATE task SET due_at = NULL WHERE request_id = ANY ($1::uuid[]) AND due_at IS NOT NULL', [own]);
  if (rows.length === 0) return;
  tx.write(
    'UPDATE task t SET task = c.task FROM unnest($1::uuid[], $2::json[]) AS c (id, task) WHERE t.id = c.id',
    [rows.map(({ row }) => row.id), rows.map(({ after }) => after)],
  );
};

const writePayloads = (tx: Tx, rows: readonly { row: PayloadRow; after: string }[]): void => {
  if (rows.length === 0) return;
  tx.write(
    `UPDATE request_payload p SET payload = c.payload
       FROM unnest($1::uuid[], $2::int[], $3::json[]) AS c (request_id, revision, payload)
      WHERE p.request_id = c.request_id AND p.revision = c.revision`,
    [
      rows.map(({ row }) => row.request_id),
      rows.map(({ row }) => row.revision),
      rows.map(({ after }) => after),
    ],
  );
};

const emptyPayloads = async (sql: Sql, own: readonly string[]): Promise<number> => {
  const rows = await sql.query(
    `UPDATE request_payload SET payload = 'null' WHERE request_id = ANY ($1::uuid[]) AND payload::text <> 'null' RETURNING 1`,
    [own],
  );
  return rows.length;
};

/** A refusal may quote what it refuses. */
const eraseRefusals = async (sql: Sql, ids: readonly string[]): Promise<number> => {
  const rows = await sql.query(
    `UPDATE command SET refused = erased_refusal(refused)
      WHERE request_id = ANY ($1::uuid[]) AND refused IS NOT NULL AND refused ->> 'detail' <> 'Erased' RETURNING 1`,
    [ids],
  );
  return rows.length;
};
