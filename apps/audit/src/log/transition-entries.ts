import { isUuid, type RequestTransitioned, type TransitionEvent } from '@countersign/contracts';
import { creationMembers, eventRules } from './event-rules';
import type { LogEntry, PersonalData } from './log-entry';
import { describeMembers, type Described, type MemberRule } from './member-rules';

/** The events that may bring a payload; it is told of with the first of them. */
const bringers = ['request.created', 'request.revised', 'request.edited', 'request.submitted'];

/** The facts of a transition as entries of the log: what may stay for ever apart from what may have to go. */
export const entriesOf = (transition: RequestTransitioned): LogEntry[] => {
  const { request, events } = transition;
  const bringer = events.find(({ type }) => bringers.includes(type)) ?? events[0];
  return events.map((event) => {
    const described = describe(event, transition);
    const payload = event === bringer ? sealedPayload(transition) : [];
    return {
      workspaceId: request.workspaceId,
      id: event.id,
      type: event.type,
      at: event.at,
      actor: event.actor,
      requestId: request.id,
      requestVersion: request.version,
      taskId: event.taskId,
      workflowKey: request.workflow.key,
      content: { actor: event.actor, ...described.content },
      personal: [...merged(described.personal), ...payload],
    };
  });
};

const describe = (event: TransitionEvent, { request }: RequestTransitioned): Described => {
  const rules: Readonly<Record<string, MemberRule>> = Object.hasOwn(eventRules, event.type)
    ? eventRules[event.type as keyof typeof eventRules]
    : {};
  const data = event.type === 'request.created' ? { request: creationOf(request, event) } : event.data;
  const { type, id } = event.actor;
  const author = type === 'user' && id !== null && isUuid(id) ? id : request.requester.id;
  return describeMembers(rules, data, { requester: request.requester.id, author });
};

/** The creation's own members are not sent twice: the request is in the transition. Beside it comes what else is known of the requester. */
const creationOf = (
  request: RequestTransitioned['request'],
  { data: { requester } }: TransitionEvent,
): Record<string, unknown> => {
  const members = Object.entries(request).filter(([name]) => creationMembers.includes(name));
  return { ...Object.fromEntries(members), requester: { ...(requester as object), ...request.requester } };
};

/** Its hash in the leaf is the commitment: one without salt would say what a payload was that has few possible values, even when it is erased. */
const sealedPayload = ({ request, revisionPayload }: RequestTransitioned): PersonalData[] =>
  revisionPayload
    ? [{ subject: request.requester.id, kind: 'payload', data: revisionPayload.payload.value ?? null }]
    : [];

/** One person is sealed once an entry, and what was sealed member by member becomes one. */
const merged = (personal: readonly PersonalData[]): PersonalData[] => {
  const groups = new Map<string, PersonalData>();
  const result: PersonalData[] = [];
  for (const item of personal) {
    const isGroup = ['person', 'request', 'undecided'].includes(item.kind);
    const known = isGroup ? groups.get(`${item.kind} ${item.subject}`) : undefined;
    if (known) {
      known.data = { ...(known.data as object), ...(item.data as object) };
      continue;
    }
    const added = { ...item };
    result.push(added);
    if (isGroup) groups.set(`${item.kind} ${item.subject}`, added);
  }
  return result;
};
