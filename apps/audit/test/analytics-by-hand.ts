/**
 * The numbers of docs/analytics.md worked out from nothing but raw entries, in the slow and obvious way. Shares no code with
 * what the service does.
 */
export interface RawEntry {
  id: string;
  index: number;
  type: string;
  at: string;
  requestId: string | null;
  requestVersion: number | null;
  content: Record<string, unknown>;
  sealed: { subject: string; kind: string; data: unknown }[];
}

export interface Asked {
  from: string;
  to: string;
  groupBy: 'stage' | 'group' | 'region' | 'department' | 'workflow' | null;
  workflows: string[] | null;
}

type Fields = Record<string, unknown>;

export interface StageByHand {
  key: string;
  since: string;
  started: string | null;
  left: string | null;
  outcome: string | null;
  groups: string[];
  /** Those known when it started. */
  groupsAtStart: string[];
  breached: boolean;
  openTasks: string[];
}

export interface RequestByHand {
  id: string;
  workflow: string;
  region: string | null;
  department: string | null;
  submissions: string[];
  ended: { at: string; outcome: string; actor: Fields } | null;
  requester: unknown;
  types: string[];
  stages: StageByHand[];
}

const finals = ['completed', 'rejected', 'canceled', 'expired', 'failed'];

const groupIds = (entries: readonly RawEntry[]): string[] => {
  const ids = new Set<string>();
  for (const { type, content } of entries) {
    if (type !== 'stage.resolved' || ['notify', 'delegate'].includes(String(content.purpose))) continue;
    const evidence = content.evidence as { sources: { groups?: { id: string }[] }[] } | null;
    for (const source of evidence?.sources ?? []) for (const { id } of source.groups ?? []) ids.add(id);
  }
  return [...ids].sort();
};

const isReach = ({ type, content }: RawEntry) =>
  type === 'request.stage_started' || (type === 'stage.awaiting_approvers' && content.purpose === 'start');
const isLeave = ({ type }: RawEntry) => ['stage.ended', 'stage.skipped', 'stage.reopened'].includes(type);

const stagesIn = (entries: readonly RawEntry[]): StageByHand[] => {
  const keys = [...new Set(entries.flatMap(({ content }) => (content.stageKey as string) ?? []))];
  return keys.flatMap((key) => {
    const own = entries.filter(({ content }) => content.stageKey === key);
    const stages: StageByHand[] = [];
    let begin = 0;
    for (let end = 0; end <= own.length; end += 1) {
      const leave = own[end];
      if (leave && !isLeave(leave)) continue;
      const between = own.slice(begin, end);
      begin = end + 1;
      const first = between.findIndex(isReach);
      if (first < 0) continue;
      const life = between.slice(first);
      const startedAt = life.findIndex(({ type }) => type === 'request.stage_started');
      const tasks = life.filter(({ type }) => type === 'task.assigned');
      const isOver = (id: unknown) =>
        own.some(
          ({ type, content }) =>
            content.taskId === id &&
            ['task.decided', 'task.reassigned', 'task.dismissed', 'task.expired', 'task.closed'].includes(
              type,
            ),
        );
      stages.push({
        key,
        since: life[0]!.at,
        started: life[startedAt]?.at ?? null,
        left: leave?.at ?? null,
        outcome: !leave
          ? null
          : leave.type === 'stage.ended'
            ? String(leave.content.state)
            : leave.type.slice(6),
        groups: groupIds(life),
        groupsAtStart: startedAt < 0 ? [] : groupIds(life.slice(0, startedAt)),
        breached: life.some(({ type }) => type === 'task.overdue'),
        openTasks: tasks.filter(({ content }) => !isOver(content.taskId)).map(({ at }) => at),
      });
    }
    return stages;
  });
};

/** As docs/audit.md says of facts that take several entries. */
const wholeContent = ({ id, content }: RawEntry, all: readonly RawEntry[]): Fields => {
  const texts = all
    .filter(({ content: part }) => part.continues === id)
    .sort((a, b) => Number(a.content.part) - Number(b.content.part))
    .map(({ content: part }) => part.text ?? '');
  return texts.length > 0 ? { ...content, ...JSON.parse(texts.join('') || '{}') } : content;
};

/** What happened to each request, entries in any order. */
export const requestsByHand = (all: readonly RawEntry[]): RequestByHand[] => {
  const ids = [
    ...new Set(
      all.flatMap(({ requestId, requestVersion }) => (requestVersion === null ? [] : (requestId ?? []))),
    ),
  ];
  return ids.map((id) => {
    const own = all
      .filter(({ requestId, requestVersion }) => requestId === id && requestVersion !== null)
      .sort((a, b) => a.requestVersion! - b.requestVersion! || a.index - b.index);
    const entries = own.map((entry) => ({ ...entry, content: wholeContent(entry, own) }));
    const created = entries.find(({ type }) => type === 'request.created')!;
    const { requester, workflow } = created.content as { requester: string; workflow: { key: string } };
    const person = created.sealed.find(({ kind, subject }) => kind === 'person' && subject === requester)
      ?.data as {
      region?: string | null;
      department?: string | null;
    } | null;
    const final = entries.find(({ type }) => finals.includes(type.replace('request.', '')));
    return {
      id,
      workflow: workflow.key,
      region: person?.region ?? null,
      department: person?.department ?? null,
      submissions: entries.filter(({ type }) => type === 'request.submitted').map(({ at }) => at),
      ended: final
        ? { at: final.at, outcome: final.type.replace('request.', ''), actor: final.content.actor as Fields }
        : null,
      requester,
      types: entries.map(({ type }) => type),
      stages: stagesIn(entries),
    };
  });
};

const ms = (from: string, to: string) => Math.max(0, new Date(to).getTime() - new Date(from).getTime());

/** Seven binary digits, and then the middle of what they leave open. */
const rounded = (duration: number): number => {
  const digits = duration.toString(2).length;
  if (digits <= 7) return duration;
  const step = 2 ** (digits - 7);
  return Math.floor(duration / step) * step + step / 2;
};

const nearestRank = (values: readonly number[], percent: number): number | null =>
  [...values].sort((a, b) => a - b)[Math.ceil((values.length * percent) / 100) - 1] ?? null;

const times = (exact: readonly number[]) => {
  const values = exact.map(rounded);
  return {
    count: values.length,
    p50Ms: nearestRank(values, 50),
    p90Ms: nearestRank(values, 90),
    p99Ms: nearestRank(values, 99),
    meanMs: values.length ? Math.round(exact.reduce((sum, one) => sum + one, 0) / exact.length) : null,
  };
};

interface Happening {
  kind: 'submitted' | 'resubmitted' | 'ended' | 'started' | 'left';
  at: string;
  request: RequestByHand;
  stage: StageByHand | null;
  groups: string[];
}

export const happeningsOf = (request: RequestByHand): Happening[] => {
  if (request.submissions.length === 0) return [];
  const reported: Happening[] = request.submissions.map((at, round) => ({
    kind: round === 0 ? 'submitted' : 'resubmitted',
    at,
    request,
    stage: null,
    groups: [],
  }));
  for (const stage of request.stages) {
    if (stage.started)
      reported.push({ kind: 'started', at: stage.started, request, stage, groups: stage.groupsAtStart });
    if (stage.left) reported.push({ kind: 'left', at: stage.left, request, stage, groups: stage.groups });
  }
  const groups = [...new Set(request.stages.flatMap((stage) => stage.groups))];
  if (request.ended) reported.push({ kind: 'ended', at: request.ended.at, request, stage: null, groups });
  return reported;
};

const keysOf = (
  groupBy: Asked['groupBy'],
  request: RequestByHand,
  stage: StageByHand | null,
  groups: readonly string[],
): Fields[] => {
  switch (groupBy) {
    case 'stage':
      return stage ? [{ workflow: request.workflow, stage: stage.key }] : [];
    case 'group':
      return groups.length > 0 ? groups.map((group) => ({ group })) : [{ group: null }];
    case 'region':
      return [{ region: request.region }];
    case 'department':
      return [{ department: request.department }];
    case 'workflow':
      return [{ workflow: request.workflow }];
    case null:
      return [{}];
  }
};

const rate = (part: number, whole: number) => (whole ? part / whole : null);
const isAllowed = (workflows: string[] | null, { workflow }: RequestByHand) =>
  !workflows || workflows.includes(workflow);

/** Lines of the three reports about a period, by what they are about, as JSON. */
export const reportsByHand = (
  requests: readonly RequestByHand[],
  { from, to, groupBy, workflows }: Asked,
): Record<'cycle-times' | 'throughput' | 'outcomes', Map<string, Fields>> => {
  const groups = new Map<string, { key: Fields; list: Happening[] }>();
  if (groupBy === null) groups.set('{}', { key: {}, list: [] });
  for (const happening of requests.filter((one) => isAllowed(workflows, one)).flatMap(happeningsOf)) {
    if (happening.at < from || happening.at >= to) continue;
    if (groupBy === 'group' && happening.kind.endsWith('submitted')) continue;
    for (const key of keysOf(groupBy, happening.request, happening.stage, happening.groups)) {
      const name = JSON.stringify(key);
      const group = groups.get(name) ?? { key, list: [] };
      groups.set(name, group);
      group.list.push(happening);
    }
  }
  const days = ms(from, to) / 86_400_000;
  const cycleTimes = new Map<string, Fields>();
  const throughput = new Map<string, Fields>();
  const outcomes = new Map<string, Fields>();
  for (const [name, { key, list }] of groups) {
    const of = (kind: Happening['kind']) => list.filter((one) => one.kind === kind);
    const ended = of('ended').map(({ request }) => request);
    const left = of('left').map(({ stage }) => stage!);
    const noRequests = groupBy === 'stage';
    if (ended.length + left.length > 0 || groupBy === null) {
      cycleTimes.set(name, {
        ...key,
        requests: noRequests
          ? null
          : times(
              ended
                .filter((one) => ['completed', 'rejected', 'expired'].includes(one.ended!.outcome))
                .map((one) => ms(one.submissions[0]!, one.ended!.at)),
            ),
        stages: times(
          left
            .filter(
              ({ outcome, started }) =>
                started && ['approved', 'rejected', 'returned', 'expired'].includes(outcome!),
            )
            .map((stage) => ms(stage.started!, stage.left!)),
        ),
      });
      const number = (test: (one: RequestByHand) => boolean) => ended.filter(test).length;
      const is = (outcome: string) => number((one) => one.ended!.outcome === outcome);
      const has = (type: string) => number((one) => one.types.includes(type));
      const abandoned = number(
        ({ ended: end, requester }) =>
          end!.outcome === 'expired' ||
          (end!.outcome === 'canceled' &&
            (end!.actor.type === 'system' || (end!.actor.type === 'user' && end!.actor.id === requester))),
      );
      const untouched = number(
        ({ ended: end, types }) =>
          end!.outcome === 'completed' &&
          !types.includes('task.decided') &&
          !types.includes('request.overridden'),
      );
      const breached = number(({ stages }) => stages.some((stage) => stage.breached));
      const state = (outcome: string) => left.filter((stage) => stage.outcome === outcome).length;
      outcomes.set(name, {
        ...key,
        requests: noRequests
          ? null
          : {
              ended: ended.length,
              completed: is('completed'),
              rejected: is('rejected'),
              canceled: is('canceled'),
              expired: is('expired'),
              failed: is('failed'),
              abandoned,
              overridden: has('request.overridden'),
              returned: has('request.returned'),
              returns: ended.reduce(
                (sum, { types }) => sum + types.filter((type) => type === 'request.returned').length,
                0,
              ),
              breached,
              straightThrough: untouched,
              rates: {
                completion: rate(is('completed'), ended.length),
                rejection: rate(is('rejected'), ended.length),
                return: rate(has('request.returned'), ended.length),
                abandonment: rate(abandoned, ended.length),
                exception: rate(
                  number(
                    ({ ended: end, types }) =>
                      end!.outcome === 'failed' || types.includes('request.overridden'),
                  ),
                  ended.length,
                ),
                breach: rate(breached, ended.length),
                straightThrough: rate(untouched, ended.length),
              },
            },
        stages: {
          ended: left.length,
          approved: state('approved'),
          rejected: state('rejected'),
          returned: state('returned'),
          expired: state('expired'),
          canceled: state('canceled'),
          failed: state('failed'),
          skipped: state('skipped'),
          reopened: state('reopened'),
          breached: left.filter((stage) => stage.breached).length,
          breachRate: rate(left.filter((stage) => stage.breached).length, left.length),
        },
      });
    }
    throughput.set(name, {
      ...key,
      requests: noRequests
        ? null
        : {
            submitted: groupBy === 'group' ? null : of('submitted').length,
            resubmitted: groupBy === 'group' ? null : of('resubmitted').length,
            ended: ended.length,
            endedPerDay: ended.length / days,
          },
      stages: { started: of('started').length, ended: left.length, endedPerDay: left.length / days },
    });
  }
  return { 'cycle-times': cycleTimes, throughput, outcomes };
};

/** Lines of the report about what waits, as of a moment. */
export const waitingByHand = (
  requests: readonly RequestByHand[],
  asOf: string,
  { from, to, groupBy, workflows }: Omit<Asked, 'from' | 'to'> & { from: string | null; to: string | null },
): Map<string, Fields> => {
  const groups = new Map<string, { key: Fields; list: { request: RequestByHand; stage: StageByHand }[] }>();
  for (const request of requests.filter((one) => isAllowed(workflows, one))) {
    for (const stage of request.stages) {
      if (stage.left || (from && stage.since < from) || (to && stage.since >= to)) continue;
      for (const key of keysOf(groupBy, request, stage, stage.groups)) {
        const name = JSON.stringify(key);
        const group = groups.get(name) ?? { key, list: [] };
        groups.set(name, group);
        group.list.push({ request, stage });
      }
    }
  }
  return new Map(
    [...groups].map(([name, { key, list }]) => {
      const ages = list.map(({ stage }) => ms(stage.since, asOf));
      const tasks = list.flatMap(({ stage }) => stage.openTasks).sort();
      return [
        name,
        {
          ...key,
          stages: list.length,
          requests: new Set(list.map(({ request }) => request.id)).size,
          unassigned: list.filter(({ stage }) => !stage.started).length,
          openTasks: tasks.length,
          breached: list.filter(({ stage }) => stage.breached).length,
          oldestSince: list.map(({ stage }) => stage.since).sort()[0],
          oldestTaskAt: tasks[0] ?? null,
          p50Ms: nearestRank(ages, 50),
          p90Ms: nearestRank(ages, 90),
          p99Ms: nearestRank(ages, 99),
          maxMs: Math.max(...ages),
        },
      ];
    }),
  );
};
