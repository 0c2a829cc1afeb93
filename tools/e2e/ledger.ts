/**
 * What must be true of a system once it has come to rest, whatever happened to it meanwhile. Pure: `read-ledger.ts`
 * collects the books, this compares them.
 */

/** A request that was answered 201, and what its callers were told about it. */
export interface Promised {
  id: string;
  /** The state that the last answer about it showed. */
  state: string;
  /** Decisions answered 200, each by its task. */
  decisions: readonly { taskId: string; decision: string }[];
  /** Types of the public events that must have happened, in their order, repeated ones repeated. */
  events: readonly string[];
}

export interface LoggedEvent {
  index: number;
  id: string;
  type: string;
  requestId: string | null;
  requestVersion: number | null;
}

/** A call that a subscriber answered with 2xx. */
export interface Heard {
  webhookId: string;
  type: string;
  requestId: string;
  /** That of the request as the body shows it; null when it does not say. */
  requestVersion: number | null;
  /** SHA-256 of the body. */
  digest: string;
}

export interface Subscriber {
  name: string;
  /** The types it gets. */
  types: ReadonlySet<string>;
  heard: readonly Heard[];
}

export interface Books {
  promised: readonly Promised[];
  /** Routing: the requests as they are, and its two tables that allow one row for each task and each request. */
  requests: readonly { id: string; state: string; version: number }[];
  decisions: readonly { taskId: string; requestId: string; decision: string }[];
  outcomes: readonly { requestId: string; state: string }[];
  /** Intake: the requests as callers see them. */
  shown: readonly { id: string; state: string; version: number }[];
  /** The audit log, in its order. */
  log: readonly LoggedEvent[];
  subscribers: readonly Subscriber[];
  /** Whatever should be gone by now, counted by name. */
  leftOver: Readonly<Record<string, number>>;
}

/** The names of the rules, for those who expect one to be broken. */
export type Rule =
  | 'decided once, as acknowledged'
  | 'shown as it is'
  | 'logged exactly once'
  | 'told at least once'
  | 'in order per request'
  | 'nothing left over';

export interface Violation {
  rule: Rule;
  detail: string;
}

/** Everything that is wrong with the books; empty when nothing is. */
export function violationsOf(books: Books): Violation[] {
  return [
    ...named('decided once, as acknowledged', decidedOnce(books)),
    ...named('shown as it is', shownAsItIs(books)),
    ...named('logged exactly once', loggedOnce(books)),
    ...named(
      'told at least once',
      books.subscribers.flatMap((each) => toldAll(each, books.promised)),
    ),
    ...named('in order per request', inOrder(books)),
    ...named('nothing left over', leftOver(books)),
  ];
}

const named = (rule: Rule, details: string[]): Violation[] => details.map((detail) => ({ rule, detail }));

function decidedOnce({ promised, requests, decisions, outcomes }: Books): string[] {
  const wrong: string[] = [];
  const requestById = new Map(requests.map((request) => [request.id, request]));
  const decided = groupBy(decisions, ({ taskId }) => taskId);
  const ended = groupBy(outcomes, ({ requestId }) => requestId);
  const decisionsOf = groupBy(decisions, ({ requestId }) => requestId);
  for (const { id, state, decisions: acknowledged } of promised) {
    const request = requestById.get(id);
    if (!request) {
      wrong.push(`request ${id} was taken and is gone`);
      continue;
    }
    if (request.state !== state) wrong.push(`request ${id} was said to be ${state} and is ${request.state}`);
    const outcome = (ended.get(id) ?? []).map((each) => each.state);
    if (outcome.length !== 1 || outcome[0] !== state)
      wrong.push(`request ${id} ended as ${outcome.join(' and ') || 'nothing'}, said: ${state}`);
    for (const { taskId, decision } of acknowledged) {
      const made = (decided.get(taskId) ?? []).map((each) => each.decision);
      if (made.length !== 1 || made[0] !== decision)
        wrong.push(
          `task ${taskId} of ${id} is decided ${made.join(' and ') || 'not at all'}, said: ${decision}`,
        );
    }
    const count = decisionsOf.get(id)?.length ?? 0;
    if (count !== acknowledged.length)
      wrong.push(`request ${id} has ${count} decisions, ${acknowledged.length} were acknowledged`);
  }
  const known = new Set(promised.map(({ id }) => id));
  for (const { id } of requests) if (!known.has(id)) wrong.push(`request ${id} was never answered 201`);
  return wrong;
}

function shownAsItIs({ requests, shown }: Books): string[] {
  const views = new Map(shown.map((view) => [view.id, view]));
  return requests.flatMap(({ id, state, version }) => {
    const view = views.get(id);
    if (view?.state === state && view.version === version) return [];
    return [`request ${id} is ${state} (${version}) and is shown as ${view?.state} (${view?.version})`];
  });
}

function loggedOnce({ promised, requests, log }: Books): string[] {
  const wrong: string[] = [];
  log.forEach(({ index }, position) => {
    if (index !== position) wrong.push(`the log has index ${index} at position ${position}`);
  });
  for (const [id, entries] of groupBy(log, (entry) => entry.id))
    if (entries.length > 1) wrong.push(`event ${id} is in the log ${entries.length} times`);
  const logged = groupBy(log, ({ requestId }) => requestId);
  const versionOf = new Map(requests.map(({ id, version }) => [id, version]));
  for (const { id, events } of promised) {
    const entries = logged.get(id) ?? [];
    const types = entries.map(({ type }) => type);
    for (const difference of differences(
      events,
      types.filter((type) => events.includes(type)),
    ))
      wrong.push(`request ${id}: ${difference} in the log`);
    // The first transition makes version 2: version 1 is what the caller was shown before it.
    // What became of telling about it has none.
    const versions = [...new Set(entries.flatMap(({ requestVersion }) => requestVersion ?? []))];
    const last = versionOf.get(id) ?? 0;
    const expected = Array.from({ length: Math.max(0, last - 1) }, (_, n) => n + 2);
    if (versions.sort((a, b) => a - b).join() !== expected.join())
      wrong.push(`request ${id} is at version ${last}, its log has ${versions.join()}`);
  }
  return wrong;
}

function toldAll({ name, types, heard }: Subscriber, promised: readonly Promised[]): string[] {
  const wrong: string[] = [];
  for (const [id, calls] of groupBy(heard, ({ webhookId }) => webhookId))
    if (new Set(calls.map(({ digest }) => digest)).size > 1)
      wrong.push(`${name} got webhook-id ${id} with different bodies`);
  const once = new Map(heard.map((call) => [call.webhookId, call]));
  const byRequest = groupBy([...once.values()], ({ requestId }) => requestId);
  for (const { id, events } of promised) {
    const told = (byRequest.get(id) ?? []).map(({ type }) => type);
    const due = events.filter((type) => types.has(type));
    for (const difference of differences(due, told)) wrong.push(`${name}, request ${id}: ${difference}`);
  }
  return wrong;
}

/**
 * Transitions of a request may reach the log and the subscribers in any order (docs/adr/0004): their versions say the order.
 * So what the log has of a request, ordered by version, is what happened to it, and each event shows subscribers the version
 * that it has in the log.
 */
function inOrder({ promised, log, subscribers }: Books): string[] {
  const wrong: string[] = [];
  const entriesOf = groupBy(log, ({ requestId }) => requestId);
  for (const { id, events } of promised) {
    const types = [...(entriesOf.get(id) ?? [])]
      .filter(({ type }) => events.includes(type))
      .sort((a, b) => (a.requestVersion ?? 0) - (b.requestVersion ?? 0) || a.index - b.index)
      .map(({ type }) => type);
    // Missing and doubled ones are another rule's.
    const isSameSet = differences(events, types).length === 0;
    if (isSameSet && types.join() !== events.join())
      wrong.push(`request ${id}: by version the log says ${types.join(', ')}`);
  }
  const logged = new Map(log.map((entry) => [entry.id, entry]));
  for (const { name, heard } of subscribers) {
    for (const { webhookId, requestId, requestVersion } of heard) {
      const entry = logged.get(webhookId);
      if (!entry || requestVersion === null) continue;
      if (entry.requestId !== requestId || entry.requestVersion !== requestVersion)
        wrong.push(
          `${name} got ${webhookId} with version ${requestVersion} of request ${requestId}, the log has version ${entry.requestVersion} of ${entry.requestId}`,
        );
    }
  }
  return wrong;
}

function leftOver({ leftOver: counts }: Books): string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`);
}

/** How two lists differ when order does not matter, in words. */
function differences(expected: readonly string[], actual: readonly string[]): string[] {
  return [...new Set([...expected, ...actual])].flatMap((type) => {
    const [due, had] = [expected, actual].map((list) => list.filter((each) => each === type).length);
    return due === had ? [] : [`${type} ${had} times instead of ${due}`];
  });
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
