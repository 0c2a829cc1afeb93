import type { WorkflowDefinition } from '../definition/workflow-definition';
import { sentence } from '../wording/phrase';
import type { Finding, LintResult } from './finding';
import type { LintFacts } from './lint-facts';
import { lintConditions } from './lint-conditions';
import { lintDirectory } from './lint-directory';
import { lintMembers } from './lint-members';
import { lintPeople } from './lint-people';
import { lintQuorums } from './lint-quorum';
import { lintTimers } from './lint-timers';

const decisions = { approve: 'An approval', reject: 'A rejection', return: 'A return' };

function lintReasonCodes({ reasonCodes }: WorkflowDefinition): Finding[] {
  return (Object.keys(decisions) as (keyof typeof decisions)[]).flatMap((decision) =>
    reasonCodes?.[decision]?.length === 0
      ? [
          {
            pointer: `/reasonCodes/${decision}`,
            code: 'reason-codes-empty' as const,
            message: `${decisions[decision]} can give no reason code: the list is empty.`,
          },
        ]
      : [],
  );
}

/**
 * What a definition that `parseDefinition` accepted does, though its author can hardly mean it, at a bounded cost. With
 * `facts` also who is not in the directory, or too few or too many today.
 */
export function lintDefinition(definition: WorkflowDefinition, facts?: LintFacts): LintResult {
  const parts = [
    lintConditions(definition),
    lintQuorums(definition),
    lintPeople(definition),
    ...(facts ? [lintDirectory(definition, facts)] : []),
    {
      errors: [],
      warnings: [...lintMembers(definition), ...lintTimers(definition), ...lintReasonCodes(definition)],
    },
  ];
  const told = (findings: Finding[]) =>
    findings.map((finding) => ({ ...finding, message: sentence(finding.message) }));
  return {
    errors: told(parts.flatMap(({ errors }) => errors)),
    warnings: told(parts.flatMap(({ warnings }) => warnings)),
  };
}
