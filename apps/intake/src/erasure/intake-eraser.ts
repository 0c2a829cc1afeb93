import { Injectable } from '@nestjs/common';
import type { Actor, RequestToErase } from '@countersign/contracts';
import { forgetPerson } from '@countersign/directory-replica';
import {
  changed,
  DocumentTable,
  emptyPayloads,
  eraseDocuments,
  kindOf,
  othersPayloads,
  type Counts,
  type DocumentRow,
  type Eraser,
  type ErasureScope,
} from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';

interface RequestRow extends DocumentRow {
  snapshot: unknown;
  requester: unknown;
}

interface EventRow extends DocumentRow {
  actor: Actor;
  detail: unknown;
}

interface TaskRow extends DocumentRow {
  task: unknown;
}

const kinds = [
  kindOf({
    name: 'requests',
    table: new DocumentTable<RequestRow>({
      table: 'request',
      request: 'id',
      documents: { snapshot: 'json', requester: 'json' },
    }),
    redact: ({ snapshot, requester }, redact) =>
      changed([snapshot, requester], [redact(snapshot), redact(requester)]),
  }),
  kindOf({
    name: 'timeline',
    table: new DocumentTable<EventRow>({
      table: 'request_event',
      key: { request_version: 'int', id: 'uuid' },
      also: ['actor'],
      documents: { detail: 'json' },
    }),
    redact: ({ actor, detail }, redact) =>
      changed([detail], [redact(detail, actor.type === 'user' ? actor.id : null)]),
  }),
  kindOf({
    name: 'tasks',
    table: new DocumentTable<TaskRow>({ table: 'task', key: { id: 'uuid' }, documents: { task: 'json' } }),
    known: () => [],
    redact: ({ task }, redact) => changed([task], [redact(task)]),
  }),
  othersPayloads({ revision: 'int' }),
];

/** The read model: requests, payloads, timelines, tasks, and why commands were refused. */
@Injectable()
export class IntakeEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]) {
    await tx.query('SELECT FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [
      requests.map(({ id }) => id),
    ]);
    const { erased, counts } = await eraseDocuments(tx, scope, requests, kinds);
    const own = erased.filter(({ isRequester }) => isRequester).map(({ id }) => id);
    tx.write(
      'UPDATE request SET external_ref = NULL WHERE id = ANY ($1::uuid[]) AND external_ref IS NOT NULL',
      [own],
    );
    tx.write('UPDATE task SET due_at = NULL WHERE request_id = ANY ($1::uuid[]) AND due_at IS NOT NULL', [
      own,
    ]);
    const [emptied, commands] = await Promise.all([
      emptyPayloads(tx, scope, erased),
      eraseRefusals(
        tx,
        erased.map(({ id }) => id),
      ),
    ]);
    return {
      requests: erased.length,
      counts: { ...counts, payloads: (counts.payloads ?? 0) + emptied, commands },
    };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    return {
      people: await forgetPerson(tx, workspaceId, subject),
      notes: await eraseNotes(tx, workspaceId, subject),
    };
  }
}

/** What somebody wrote when they published a definition. */
const eraseNotes = async (sql: Sql, workspaceId: string, subject: string): Promise<number> => {
  const counts = await Promise.all(
    ['workflow_version', 'workflow_publication'].map((table) =>
      sql.query(
        `UPDATE ${table} SET note = NULL
          WHERE workspace_id = $1 AND note IS NOT NULL AND published_by ->> 'type' = 'user' AND published_by ->> 'id' = $2 RETURNING 1`,
        [workspaceId, subject],
      ),
    ),
  );
  return Math.max(...counts.map((rows) => rows.length));
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
