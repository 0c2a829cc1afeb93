/** How much an entry matters to who watches a log, whatever scale that uses. */
export type Significance = 'informational' | 'notice' | 'warning' | 'critical';

const byType: Readonly<Record<string, Significance>> = {
  'audit.tampered': 'critical',
  'request.overridden': 'warning',
  'request.failed': 'warning',
  'endpoint.disabled': 'warning',
  'delivery.exhausted': 'warning',
  'audit.exported': 'notice',
};

/** Families whose entries say that the rules, who may decide, or the record itself were changed. */
const notedFamilies = [
  'analytics',
  'api_key',
  'delegation',
  'directory',
  'erasure',
  'export_schedule',
  'hold',
  'log',
  'resolver_secret',
  'retention',
  'webhook_endpoint',
  'witness',
  'workflow',
  'workspace',
  'workspace_settings',
];

/** Of any type of entry; one that is not known here is informational. */
export const significanceOf = (type: string): Significance => {
  if (Object.hasOwn(byType, type)) return byType[type] ?? 'informational';
  return notedFamilies.includes(type.slice(0, type.indexOf('.'))) ? 'notice' : 'informational';
};
