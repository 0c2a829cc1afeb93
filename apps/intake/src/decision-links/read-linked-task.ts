import type { RequestSnapshot } from '@countersign/contracts';
import type { DecisionLink } from '@countersign/decision-link';
import type { Sql } from '@countersign/persistence';
import type { WorkflowVersions } from '../workflows/workflow-versions';
import type { LinkedTask } from './link-standing';
import { isLinkBusy } from './link-use.rows';

/** What a link leads to, beside what was shown at a version of the request; null when the read model has no such task. */
export const readLinkedTask = async (
  sql: Sql,
  versions: WorkflowVersions,
  link: DecisionLink,
  versionSeen: number,
): Promise<LinkedTask | null> => {
  const [row] = await sql.query<{
    snapshot: RequestSnapshot;
    payload: unknown;
    seen: unknown;
    hasSeen: boolean;
    words: LinkedTask['wordsSeen'];
  }>(
    `SELECT r.snapshot, p.payload, s.payload AS seen, s.payload IS NOT NULL AND s.revision < p.revision AS "hasSeen", w.words
       FROM task t JOIN request r ON r.id = t.request_id
       JOIN request_payload p ON p.request_id = r.id AND p.revision = r.payload_revision
       LEFT JOIN LATERAL (
         SELECT revision, payload FROM request_payload WHERE request_id = r.id AND request_version <= $2 ORDER BY revision DESC LIMIT 1
       ) s ON true
       LEFT JOIN LATERAL (
         SELECT json_build_object('title', detail ->> 'title', 'reason', detail ->> 'reason') AS words FROM request_event
          WHERE request_id = r.id AND request_version <= $2 AND type IN ('request.created', 'request.edited', 'request.revised')
          ORDER BY request_version DESC, id DESC LIMIT 1
       ) w ON true
      WHERE t.id = $1`,
    [link.taskId, Math.min(versionSeen, 2_147_483_647)],
  );
  if (!row) return null;
  const { snapshot: request, payload } = row;
  const stage = request.stages.find(({ tasks }) => tasks.some(({ id }) => id === link.taskId));
  const task = stage?.tasks.find(({ id }) => id === link.taskId);
  if (!stage || !task) return null;
  const { key, version } = request.workflow;
  const [found, isBusy] = await Promise.all([
    versions.find(sql, link.workspaceId, key, version),
    isLinkBusy(sql, link.id),
  ]);
  if (!found) throw new Error(`version ${version} of the workflow ${key} is not there`);
  const { compiled } = found;
  return {
    task,
    stage,
    request,
    payload,
    payloadSeen: row.hasSeen ? { value: row.seen } : null,
    wordsSeen: row.words,
    workflowTitle: compiled.title,
    rules: {
      comment: compiled.stages.find((one) => one.key === stage.key)?.comment ?? 'optional',
      reasonCodes: compiled.reasonCodes,
    },
    isBusy,
  };
};
