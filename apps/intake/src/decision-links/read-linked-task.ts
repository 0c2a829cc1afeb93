import type { RequestSnapshot } from '@countersign/contracts';
import type { DecisionLink } from '@countersign/decision-link';
import type { Sql } from '@countersign/persistence';
import type { WorkflowVersions } from '../workflows/workflow-versions';
import type { LinkedTask } from './link-standing';
import { isLinkBusy } from './link-use.rows';

/** What a link leads to; null when the read model has no such task. */
export const readLinkedTask = async (
  sql: Sql,
  versions: WorkflowVersions,
  link: DecisionLink,
): Promise<LinkedTask | null> => {
  const [row] = await sql.query<{
    snapshot: RequestSnapshot;
    payload: unknown;
    seen: unknown;
    hasSeen: boolean;
  }>(
    `SELECT r.snapshot, p.payload, s.payload AS seen, s.payload IS NOT NULL AND s.revision < p.revision AS "hasSeen"
       FROM task t JOIN request r ON r.id = t.request_id
       JOIN request_payload p ON p.request_id = r.id AND p.revision = r.payload_revision
       LEFT JOIN request_payload s ON s.request_id = r.id AND s.revision = $2
      WHERE t.id = $1`,
    [link.taskId, Math.min(link.revision, 2_147_483_647)],
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
    workflowTitle: compiled.title,
    rules: {
      comment: compiled.stages.find((one) => one.key === stage.key)?.comment ?? 'optional',
      reasonCodes: compiled.reasonCodes,
    },
    isBusy,
  };
};
