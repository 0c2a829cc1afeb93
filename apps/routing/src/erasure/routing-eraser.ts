import { Injectable } from '@nestjs/common';
import type { RequestToErase } from '@countersign/contracts';
import { redactorOf, type Counts, type Eraser, type ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';

interface Row extends Record<string, unknown> {
  id: string;
  aggregate: unknown;
  payloads: { revision: number; payload: unknown }[] | null;
}

/**
 * The aggregates and their payloads. Whoever changes a request holds its row from reading to writing it, so nobody writes back what
 * was read before; the version stays, for nothing has happened to the request.
 */
@Injectable()
export class RoutingEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]): Promise<Counts> {
    const rows = await tx.query<Row>(
      `WITH locked AS (SELECT id, aggregate FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)
       SELECT id, aggregate,
              (SELECT json_agg(json_build_object('revision', revision, 'payload', payload)) FROM request_payload p
                WHERE p.request_id = locked.id) AS payloads
         FROM locked`,
      [requests.map(({ id }) => id)],
    );
    const byId = new Map(requests.map((request) => [request.id, request]));
    const aggregates: { id: string; after: string }[] = [];
    const payloads: { id: string; revision: number; after: string }[] = [];
    for (const { id, aggregate, payloads: kept } of rows) {
      const request = byId.get(id);
      if (!request) continue;
      const redact = redactorOf(scope, request, [aggregate]);
      const after = JSON.stringify(redact(aggregate));
      if (after !== JSON.stringify(aggregate)) aggregates.push({ id, after });
      for (const { revision, payload } of kept ?? []) {
        const left = JSON.stringify(request.isRequester ? null : redact(payload));
        if (left !== JSON.stringify(payload)) payloads.push({ id, revision, after: left });
      }
    }
    if (aggregates.length > 0) {
      tx.write(
        'UPDATE request r SET aggregate = c.aggregate FROM unnest($1::uuid[], $2::json[]) AS c (id, aggregate) WHERE r.id = c.id',
        [aggregates.map(({ id }) => id), aggregates.map(({ after }) => after)],
      );
    }
    if (payloads.length > 0) {
      tx.write(
        `UPDATE request_payload p SET payload = c.payload
           FROM unnest($1::uuid[], $2::int[], $3::json[]) AS c (request_id, revision, payload)
          WHERE p.request_id = c.request_id AND p.revision = c.revision`,
        [
          payloads.map(({ id }) => id),
          payloads.map(({ revision }) => revision),
          payloads.map(({ after }) => after),
        ],
      );
    }
    return { requests: aggregates.length, payloads: payloads.length };
  }

  /** Nothing: beside requests there are ids only. */
  async eraseGeneral(): Promise<Counts> {
    return {};
  }
}
