import { bySystem } from '@countersign/contracts';
import { newCause, type Tx } from '@countersign/messaging';
import { storeOperationalEvents } from '../feed/feed.rows';
import type { AuditLog } from '../log/audit-log';
import { factOf } from '../log/fact';
import type { Tampering } from './finding.rows';

const type = 'audit.tampered';
/** A log of which everything is wrong says it all the same in one event. */
const mostShown = 100;

export const findingView = ({ id, kind, index, detail }: Tampering) => ({
  id,
  kind,
  index: Number(index),
  detail,
});

/**
 * Tells of what is newly found: whoever subscribes to `audit.tampered` by name, the event feed, and the log
 * itself, unless it can no longer be appended to.
 */
export const tellFindings = async (
  tx: Tx,
  workspaceId: string,
  findings: readonly Tampering[],
  log: AuditLog | null,
): Promise<void> => {
  const shown = {
    workspaceId,
    count: findings.length,
    findings: findings.slice(0, mostShown).map(findingView),
    actor: bySystem,
  };
  const fact = factOf({
    workspaceId,
    type,
    content: {
      count: findings.length,
      findings: findings
        .slice(0, mostShown)
        .map(({ id, kind, index }) => ({ id, kind, index: Number(index) })),
    },
  });
  if (log) {
    await storeOperationalEvents(tx, [{ workspaceId, id: fact.id, data: shown }]);
    await log.append(tx, [fact]);
  }
  tx.publish({
    type: 'audit.happened.v1',
    workspaceId,
    cause: newCause(),
    data: { id: fact.id, type, at: fact.at, shown },
  });
};
