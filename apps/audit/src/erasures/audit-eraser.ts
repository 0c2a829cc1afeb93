import { Injectable } from '@nestjs/common';
import type { RequestToErase } from '@countersign/contracts';
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
import { wordPattern } from '@countersign/redaction';
import { forgetRequesters } from '../analytics/projection/forget-requesters';

interface TransitionRow extends DocumentRow {
  snapshot: unknown;
}

interface SealedRow extends DocumentRow {
  subject: string;
  kind: string;
  data: unknown;
}

const snapshots = kindOf({
  name: 'snapshots',
  table: new DocumentTable<TransitionRow>({
    table: 'transition',
    key: { request_version: 'int' },
    documents: { snapshot: 'json' },
  }),
  redact: ({ snapshot }, redact) => changed([snapshot], [redact(snapshot)]),
});

const sealedTable = new DocumentTable<SealedRow>({
  table: 'sealed',
  key: { index: 'bigint', position: 'int' },
  also: ['subject', 'kind'],
  documents: { data: 'json' },
  from: `(SELECT e.workspace_id, e.request_id, s.index, s.position, s.subject, s.kind, s.data
            FROM entry e JOIN sealed s ON s.workspace_id = e.workspace_id AND s.index = e.index
           WHERE e.workspace_id = $2 AND e.request_id = ANY ($1::uuid[]) AND s.salt IS NOT NULL) s`,
  set: 'salt = NULL, data = NULL',
});

/** What is sealed for the subject, and texts of others that name them: half of one would not fit its commitment. */
const sealedOf = (subject: string | null) =>
  kindOf({
    name: 'sealed',
    table: sealedTable,
    known: ({ subject: id, kind, data }) =>
      kind === 'person' ? [{ id, userName: '', ...(data as object) }] : [],
    redact: (row, _, __, names) =>
      subject === null || row.subject === subject || mentions(row.data, names) ? [null] : null,
  });

const payloads = othersPayloads({ revision: 'int', request_version: 'int' });

/** What is sealed in the log, and what the event feed shows: snapshots and payloads. Leaves and commitments stay. */
@Injectable()
export class AuditEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]) {
    const { workspaceId, subject } = scope;
    const { erased, counts } = await eraseDocuments(tx, scope, requests, [
      snapshots,
      sealedOf(subject),
      payloads,
    ]);
    const emptied = await emptyPayloads(tx, scope, erased);
    const own = erased.filter(({ isRequester }) => isRequester).map(({ id }) => id);
    forgetRequesters(tx, workspaceId, own);
    return {
      requests: erased.length,
      counts: { ...counts, payloads: (counts.payloads ?? 0) + emptied },
    };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    return { people: await forgetPerson(tx, workspaceId, subject) };
  }
}

const mentions = (data: unknown, names: readonly string[]): boolean => {
  const pattern = wordPattern(names);
  if (pattern === null) return false;
  pattern.lastIndex = 0;
  return pattern.test(JSON.stringify(data));
};
