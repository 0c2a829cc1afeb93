import type { Problem } from '../problem';

export const findingCodes = [
  'definition-invalid',
  'subject-invalid',
  'condition-invalid',
  'unknown-member',
  'stage-never-starts',
  'condition-always-true',
  'dead-branch',
  'quorum-unreachable',
  'quorum-may-be-unreachable',
  'quorum-unreachable-today',
  'quorum-needs-escalation',
  'quorum-part-not-asked',
  'rejections-unreachable',
  'sequential-each',
  'fallback-cycle',
  'notify-repeats-approvers',
  'unknown-user',
  'unknown-group',
  'inactive-user',
  'empty-group',
  'empty-role',
  'too-many-people',
  'directory-unavailable',
  'no-timeout',
  'remind-after-expiry',
  'escalate-after-expiry',
  'sla-after-expiry',
  'calendar-unused',
  'reason-codes-empty',
] as const;

export type FindingCode = (typeof findingCodes)[number];

/** Something about a definition that its author should know: an RFC 6901 pointer from its root and a plain sentence. */
export interface Finding {
  pointer: string;
  code: FindingCode;
  message: string;
}

/** Errors can never be meant; warnings are worth a second look. */
export interface LintResult {
  errors: Finding[];
  warnings: Finding[];
}

function codeOf(pointer: string): FindingCode {
  if (/^\/subject(\/|$)/.test(pointer)) return 'subject-invalid';
  return /\/(when|expression)$/.test(pointer) ? 'condition-invalid' : 'definition-invalid';
}

/** What `parseDefinition` and `publishProblems` found, as findings. */
export function findingsOf(problems: Problem[]): Finding[] {
  return problems.map(({ pointer, message }) => ({ pointer, code: codeOf(pointer), message }));
}
