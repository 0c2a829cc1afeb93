import { Injectable } from '@nestjs/common';
import type { RequestToErase } from '@countersign/contracts';
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

interface AggregateRow extends DocumentRow {
  aggregate: unknown;
}

const aggregates = kindOf({
  name: 'requests',
  table: new DocumentTable<AggregateRow>({
    table: 'request',
    request: 'id',
    documents: { aggregate: 'json' },
  }),
  redact: ({ aggregate }, redact) => changed([aggregate], [redact(aggregate)]),
});

const payloads = othersPayloads({ revision: 'int' });

/**
 * The aggregates and their payloads. Whoever changes a request holds its row from reading to writing it, so nobody writes back what
 * was read before; the version stays, for nothing has happened to the request.
 */
@Injectable()
export class RoutingEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]) {
    await tx.query('SELECT FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [
      requests.map(({ id }) => id),
    ]);
    const { erased, counts } = await eraseDocuments(tx, scope, requests, [aggregates, payloads]);
    const emptied = await emptyPayloads(tx, scope, erased);
    tx.write('UPDATE request SET erased = true WHERE id = ANY ($1::uuid[]) AND NOT erased', [
      erased.filter(({ isRequester }) => isRequester).map(({ id }) => id),
    ]);
    return { requests: erased.length, counts: { ...counts, payloads: (counts.payloads ?? 0) + emptied } };
  }

  /** Nothing: beside requests there are ids only. */
  async eraseGeneral(): Promise<Counts> {
    return {};
  }
}
