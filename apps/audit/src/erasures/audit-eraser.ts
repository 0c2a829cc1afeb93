import { Injectable } from '@nestjs/common';
import type { RequestToErase } from '@countersign/contracts';
import { forgetPerson } from '@countersign/directory-replica';
import { redactorOf, type Counts, type Eraser, type ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import { namesOf, wordPattern } from '@countersign/redaction';
import { forgetRequesters } from '../analytics/projection/forget-requesters';

interface TransitionRow extends Record<string, unknown> {
  request_id: string;
  request_version: number;
  snapshot: unknown;
}

interface SealedRow extends Record<string, unknown> {
  request_id: string;
  index: string;
  position: number;
  subject: string;
  kind: string;
  data: unknown;
}

interface PayloadRow extends Record<string, unknown> {
  request_id: string;
  revision: number;
  request_version: number;
  payload: unknown;
}

/** What is sealed in the log, and what the event feed shows: snapshots and payloads. Leaves and commitments stay. */
@Injectable()
export class AuditEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]): Promise<Counts> {
    const { workspaceId, subject } = scope;
    const ids = requests.map(({ id }) => id);
    const [transitions, sealed, payloads] = await Promise.all([
      tx.query<TransitionRow>(
        'SELECT request_id, request_version, snapshot FROM transition WHERE request_id = ANY ($1::uuid[])',
        [ids],
      ),
      tx.query<SealedRow>(
        `SELECT e.request_id, s.index, s.position, s.subject, s.kind, s.data
           FROM entry e JOIN sealed s ON s.workspace_id = e.workspace_id AND s.index = e.index
          WHERE e.workspace_id = $1 AND e.request_id = ANY ($2::uuid[]) AND s.salt IS NOT NULL`,
        [workspaceId, ids],
      ),
      tx.query<PayloadRow>(
        'SELECT request_id, revision, request_version, payload FROM request_payload WHERE request_id = ANY ($1::uuid[])',
        [ids],
      ),
    ]);
    const known = new Map(ids.map((id): [string, unknown[]] => [id, []]));
    for (const { request_id: id, snapshot } of transitions) known.get(id)?.push(snapshot);
    for (const row of sealed)
      if (row.kind === 'person')
        known.get(row.request_id)?.push({ id: row.subject, userName: '', ...(row.data as object) });

    const gone: SealedRow[] = [];
    const snapshots: { row: TransitionRow; after: string }[] = [];
    const left: { row: PayloadRow; after: string }[] = [];
    for (const request of requests) {
      const ofRequest = known.get(request.id) ?? [];
      const redact = redactorOf(scope, request, ofRequest);
      const pattern = subject === null ? null : wordPattern(namesOf(ofRequest, subject));
      for (const row of sealed.filter(({ request_id: id }) => id === request.id))
        if (subject === null || row.subject === subject || mentions(row.data, pattern)) gone.push(row);
      for (const row of transitions.filter(({ request_id: id }) => id === request.id)) {
        const after = JSON.stringify(redact(row.snapshot));
        if (after !== JSON.stringify(row.snapshot)) snapshots.push({ row, after });
      }
      for (const row of payloads.filter(({ request_id: id }) => id === request.id)) {
        const after = JSON.stringify(request.isRequester ? null : redact(row.payload));
        if (after !== JSON.stringify(row.payload)) left.push({ row, after });
      }
    }
    unseal(tx, workspaceId, gone);
    writeSnapshots(tx, snapshots);
    writePayloads(tx, left);
    const own = requests.filter(({ isRequester }) => isRequester || subject === null).map(({ id }) => id);
    forgetRequesters(tx, workspaceId, own);
    return { sealed: gone.length, snapshots: snapshots.length, payloads: left.length };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    return { people: await forgetPerson(tx, workspaceId, subject) };
  }
}

/** Somebody else's text that names the subject goes as a whole: half of it would not fit its commitment. */
const mentions = (data: unknown, pattern: RegExp | null): boolean => {
  if (pattern === null) return false;
  pattern.lastIndex = 0;
  return pattern.test(JSON.stringify(data));
};

const unseal = (tx: Tx, workspaceId: string, rows: readonly SealedRow[]): void => {
  if (rows.length === 0) return;
  tx.write(
    `UPDATE sealed s SET salt = NULL, data = NULL FROM unnest($2::bigint[], $3::int[]) AS g (index, position)
      WHERE s.workspace_id = $1 AND s.index = g.index AND s.position = g.position`,
    [workspaceId, rows.map(({ index }) => index), rows.map(({ position }) => position)],
  );
};

const writeSnapshots = (tx: Tx, rows: readonly { row: TransitionRow; after: string }[]): void => {
  if (rows.length === 0) return;
  tx.write(
    `UPDATE transition t SET snapshot = c.snapshot FROM unnest($1::uuid[], $2::int[], $3::json[]) AS c (id, version, snapshot)
      WHERE t.request_id = c.id AND t.request_version = c.version`,
    [
      rows.map(({ row }) => row.request_id),
      rows.map(({ row }) => row.request_version),
      rows.map(({ after }) => after),
    ],
  );
};

const writePayloads = (tx: Tx, rows: readonly { row: PayloadRow; after: string }[]): void => {
  if (rows.length === 0) return;
  tx.write(
    `UPDATE request_payload p SET payload = c.payload
       FROM unnest($1::uuid[], $2::int[], $3::int[], $4::json[]) AS c (id, revision, version, payload)
      WHERE p.request_id = c.id AND p.revision = c.revision AND p.request_version = c.version`,
    [
      rows.map(({ row }) => row.request_id),
      rows.map(({ row }) => row.revision),
      rows.map(({ row }) => row.request_version),
      rows.map(({ after }) => after),
    ],
  );
};
