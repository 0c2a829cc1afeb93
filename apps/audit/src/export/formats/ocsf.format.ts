import type { ExportedEntry } from '../exported-entry';
import { significanceOf, type Significance } from '../significance';
import type { ExportFormat } from './export-format';

/** Of the Open Cybersecurity Schema Framework; what is used here has been the same since 1.1. */
const schemaVersion = '1.8.0';
const category = { uid: 3, name: 'Identity & Access Management' };
const eventClass = { uid: 3004, name: 'Entity Management' };

const activities = {
  1: 'Create',
  2: 'Read',
  3: 'Update',
  4: 'Delete',
  8: 'Enable',
  9: 'Disable',
} as const;
type ActivityId = keyof typeof activities | 99;

const activityByVerb: Readonly<Record<string, ActivityId>> = {
  created: 1,
  added: 1,
  version_added: 1,
  placed: 1,
  exported: 2,
  changed: 3,
  published: 3,
  replaced: 3,
  rotated: 3,
  secret_rotated: 3,
  rebuilt: 3,
  deleted: 4,
  removed: 4,
  revoked: 4,
  released: 4,
  pruned: 4,
  enabled: 8,
  disabled: 9,
};

/** Everything else that happens to a request is an update of it; of other things only a verb says what it is. */
const activityOf = ({ type, requestId }: ExportedEntry): ActivityId => {
  const [family, verb = ''] = type.split('.');
  if (requestId !== null) return type === 'request.created' ? 1 : 3;
  if (Object.hasOwn(activityByVerb, verb)) return activityByVerb[verb] ?? 99;
  return family === 'request' ? 3 : 99;
};

const severities: Readonly<Record<Significance, { id: number; name: string }>> = {
  informational: { id: 1, name: 'Informational' },
  notice: { id: 2, name: 'Low' },
  warning: { id: 3, name: 'Medium' },
  critical: { id: 5, name: 'Critical' },
};

interface Content {
  actor?: { type?: string; id?: string | null; via?: string | null };
}

/** A person may have been vouched for by a key; a key acts as an application; else it was Countersign itself. */
const actorOf = ({ actor }: Content): Record<string, unknown> => {
  if (actor?.type === 'user' && actor.id)
    return {
      user: { uid: actor.id, type_id: 1, type: 'User' },
      ...(actor.via ? { app_uid: actor.via } : {}),
    };
  if (actor?.type === 'service' && actor.id)
    return { user: { uid: actor.id, type_id: 4, type: 'Service' }, app_uid: actor.id };
  return { app_name: 'Countersign' };
};

/** A request that could not go on; that somebody refuses one is no failure. */
const hasFailed = (type: string): boolean => type.endsWith('.failed') || type === 'delivery.exhausted';

/** An OCSF event of an entry of a workspace's log, one a line. `entity.data` and `unmapped` hold all of the entry. */
export const ocsfOf = (workspaceId: string): ExportFormat => ({
  mediaType: 'application/x-ndjson',
  extension: 'ocsf.ndjson',
  head: '',
  line: (entry) => {
    const { index, id, type, at, requestId, requestVersion, workflow, content, sealed, leafHash } = entry;
    const activityId = activityOf(entry);
    const activity = activityId === 99 ? type : activities[activityId];
    const severity = severities[significanceOf(type)];
    const failed = hasFailed(type);
    const event = JSON.stringify({
      category_uid: category.uid,
      category_name: category.name,
      class_uid: eventClass.uid,
      class_name: eventClass.name,
      activity_id: activityId,
      activity_name: activity,
      type_uid: eventClass.uid * 100 + activityId,
      type_name: `${eventClass.name}: ${activityId === 99 ? 'Other' : activity}`,
      severity_id: severity.id,
      severity: severity.name,
      status_id: failed ? 2 : 1,
      status: failed ? 'Failure' : 'Success',
      time: Date.parse(at),
      timezone_offset: 0,
      message: requestId === null ? type : `${type} of request ${requestId}`,
      metadata: {
        version: schemaVersion,
        product: { name: 'Countersign', vendor_name: 'Countersign' },
        uid: id,
        event_code: type,
        log_name: `countersign/${workspaceId}`,
        log_provider: 'Countersign',
        sequence: index,
        tenant_uid: workspaceId,
        ...(requestId === null ? {} : { correlation_uid: requestId }),
      },
      actor: actorOf(JSON.parse(content) as Content),
    });
    const entity = JSON.stringify({
      uid: requestId ?? workspaceId,
      type_id: 99,
      type: requestId === null ? 'Workspace' : 'Request',
      ...(requestVersion === null ? {} : { version: String(requestVersion) }),
    });
    const unmapped = JSON.stringify({
      index,
      request_version: requestVersion,
      workflow,
      leaf_hash: leafHash,
    });
    return `${event.slice(0, -1)},"entity":${entity.slice(0, -1)},"data":${content}},"unmapped":${unmapped.slice(0, -1)},"sealed":${sealed}}}\n`;
  },
});
