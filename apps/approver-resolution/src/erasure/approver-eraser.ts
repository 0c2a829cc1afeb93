import { Injectable } from '@nestjs/common';
import type { RequestToErase } from '@countersign/contracts';
import type { Counts, Eraser, ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { recordSystemFacts } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { lockDirectory } from '../directory/lock-directory';
import { tellOfChange } from '../directory/tell-of-change';
import { removeUser } from '../scim/user.changes';

/** Resolutions with what webhooks said, and the directory's record of somebody who has left. */
@Injectable()
export class ApproverEraser implements Eraser {
  /** Nobody needs the resolutions of a request that has ended: what they rest on is in the trail. */
  async eraseRequests(tx: Tx, _: ErasureScope, requests: readonly RequestToErase[]) {
    const rows = await tx.query<{ id: string }>(
      `WITH gone AS (
         DELETE FROM resolution WHERE id IN
           (SELECT id FROM resolution WHERE request_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE) RETURNING id
       ), calls AS (
         DELETE FROM resolver_call c USING gone WHERE c.resolution_id = gone.id
       )
       SELECT id FROM gone`,
      [requests.map(({ id }) => id)],
    );
    return { requests: requests.length, counts: { resolutions: rows.length } };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    await lockDirectory(tx, workspaceId, 'shared');
    const [user] = await tx.query<{ active: boolean; refs: string[] }>(
      `SELECT active, array_remove(ARRAY[id::text, external_id, user_name, email], NULL) AS refs
         FROM user_ WHERE id = $1 AND (workspace_id = $2) IS TRUE`,
      [subject, workspaceId],
    );
    const answers = await eraseKeptAnswers(tx, workspaceId, user?.refs ?? [subject]);
    if (!user) return { answers };
    // The identity provider owns the record of somebody active, and would only bring it back.
    if (user.active) return { answers, directoryKept: 1 };
    const change = await removeUser(tx, subject, () => undefined);
    const cause = { correlationId: v7(), causationId: null, traceparent: null };
    await tellOfChange(tx, workspaceId, cause, 'delete', change, (facts) =>
      recordSystemFacts(tx, workspaceId, cause, facts),
    );
    return { answers, directory: 1 };
  }
}

/** Answers of resolver webhooks that name the subject; they are kept for a day at most. */
const eraseKeptAnswers = async (sql: Sql, workspaceId: string, refs: readonly string[]): Promise<number> => {
  const rows = await sql.query(
    `DELETE FROM resolver_answer a WHERE a.workspace_id = $1
        AND EXISTS (SELECT FROM json_array_elements_text(a.refs) AS r (ref) WHERE lower(r.ref) = ANY ($2::text[])) RETURNING 1`,
    [workspaceId, refs.map((ref) => ref.toLowerCase())],
  );
  return rows.length;
};
