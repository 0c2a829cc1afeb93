import { emptyFrontier, nodeHash, serializeFrontier } from '@countersign/merkle-log';
import type { TestService } from '@countersign/service-kit/test';

const leaf = Buffer.alloc(32, 1);

/** The frontier of so many equal leaves. */
const frontierOf = (size: number): Buffer => {
  const hashes: Buffer[] = [];
  let node: Buffer = leaf;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) hashes.unshift(node);
    node = nodeHash(node, node);
  }
  return serializeFrontier(size === 0 ? emptyFrontier() : { size, hashes });
};

export interface Filling {
  workspace: string;
  entries: number;
  /** Characters of each entry's content beyond the actor. */
  words?: number;
  /** Characters of sealed data of each entry; none when 0. */
  sealed?: number;
}

/** Puts entries into an empty log by one statement: its hashes are those of no content, all else is as it should be. */
export const fillLog = async (
  service: TestService,
  { workspace, entries, words = 10, sealed = 0 }: Filling,
): Promise<void> => {
  await service.get('/v1/audit/checkpoint', { workspace });
  await service.sql(
    `INSERT INTO entry (workspace_id, index, id, type, at, actor_id, request_id, request_version, workflow_key, content, leaf_hash)
     SELECT $1, n, gen_random_uuid(), 'task.reminded', timestamptz '2026-01-01Z' + n * interval '1 second', 'key-1',
            overlay(overlay(md5('r' || n / 10) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid, 1 + n % 10, CASE n % 2 WHEN 0 THEN 'travel' ELSE 'purchase-order' END,
            ('{"actor":{"type":"service","id":"key-1","via":null},"text":"' || repeat('x', $4::int) || '"}')::json, $3
       FROM generate_series(0, $2::int - 1) n`,
    [workspace, entries, leaf, words],
  );
  if (sealed > 0)
    await service.sql(
      `INSERT INTO sealed (workspace_id, index, position, subject, kind, commitment, salt, data)
       SELECT $1, n, 0, md5('p' || n % 100)::uuid, 'comment', 'AAAA', '\\x00', ('"' || repeat('y', $3::int) || '"')::json
         FROM generate_series(0, $2::int - 1) n`,
      [workspace, entries, sealed],
    );
  await service.sql(
    `UPDATE log_head SET frontier = $2, checkpoint = replace(checkpoint, E'\\n0\\n', E'\\n' || $3 || E'\\n') WHERE workspace_id = $1`,
    [workspace, frontierOf(entries), String(entries)],
  );
};
