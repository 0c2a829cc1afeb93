import { isUuid, type Actor, type Fact } from '@countersign/contracts';
import { callRules, factRules } from './fact-rules';
import type { LogEntry } from './log-entry';
import { describeMembers, type MemberRule } from './member-rules';

/**
 * A fact as an entry of the log: what may stay for ever apart from what may have to go. Whose workflow's it is follows from the
 * leaf: the member `workflow` of its content.
 */
export const entryOfFact = (
  workspaceId: string,
  { id, type, at, actor, requestId, content, personal }: Fact,
): LogEntry => {
  const rules: Readonly<Record<string, MemberRule>> = Object.hasOwn(factRules, type)
    ? { ...factRules[type as keyof typeof factRules], ...callRules }
    : {};
  const author = subjectOf(actor) ?? workspaceId;
  const described = describeMembers(rules, content, { requester: author, author });
  const { workflow } = described.content;
  const undecided = described.personal.map(({ data }) => data as object);
  return {
    workspaceId,
    id,
    type,
    at,
    actor,
    requestId: requestId ?? null,
    requestVersion: null,
    taskId: null,
    workflowKey: typeof workflow === 'string' ? workflow : null,
    content: { actor, ...described.content },
    personal: [
      ...personal.map(({ subject, kind, data }) => ({ subject: subject ?? author, kind, data })),
      ...(undecided.length > 0
        ? [{ subject: author, kind: 'undecided', data: Object.assign({}, ...undecided) as unknown }]
        : []),
    ],
  };
};

/** For whom free words are sealed: the person who acted, else the key. */
const subjectOf = ({ id }: Actor): string | null => (id !== null && isUuid(id) ? id : null);
