import fc from 'fast-check';
import {
  weekdays,
  type ApproverSource,
  type CalendarDefinition,
  type QuorumPart,
  type StageDefinition,
  type WorkflowDefinition,
} from '../src/definition/workflow-definition';

const optional = { requiredKeys: [] as never[] };
const duration = fc.constantFrom('PT1H', 'PT24H', 'P1D', 'P2D', 'P1W');
const path = fc.constantFrom('payload.amount', 'payload.owner', 'payload.region', 'payload.team');
const name = fc.constantFrom('ann', 'bob', 'carol');
const group = fc.constantFrom('finance', 'legal');
const refOrField = (ref: fc.Arbitrary<string>) => fc.oneof(ref, fc.record({ field: path }));

/** Conditions over the payload of `arbitraryDefinition`. */
export const arbitraryCondition = fc.constantFrom(
  'payload.amount > 1000',
  'payload.amount > 2000',
  'payload.amount <= 500.5',
  'payload.region == "EMEA"',
  'payload.region in ["EMEA", "APAC"] && payload.amount > 10',
  'requester.department == "it" || payload.amount < 5',
  '"finance" in requester.groups',
);

const plainSource: fc.Arbitrary<ApproverSource> = fc.oneof(
  fc.record({ user: refOrField(name) }),
  fc.record({ group: refOrField(group) }),
  fc.record({ role: fc.constantFrom('counsel', 'buyer') }),
  fc.record({ field: path }),
  fc.record({
    manager: fc.record(
      { of: fc.constant('requester' as const), levels: fc.integer({ min: 1, max: 3 }) },
      optional,
    ),
  }),
  fc.record({ manager: fc.record({ untilLimit: fc.constantFrom<string | number>('payload.amount', 5000) }) }),
  fc.record({ expression: fc.constantFrom('payload.owner', '[payload.owner, "ann"]') }),
);

const webhook: fc.Arbitrary<ApproverSource> = fc.record({
  webhook: fc.record(
    {
      url: fc.constantFrom('https://a.example.com/x', 'https://b.example.com/y'),
      format: fc.constantFrom('easylife' as const, 'countersign' as const),
      timeout: fc.constantFrom('PT10S', 'PT20S'),
    },
    { requiredKeys: ['url'] },
  ),
});

function sourcesOf(one: fc.Arbitrary<ApproverSource>) {
  const to = fc.array(one, { minLength: 1, maxLength: 2 });
  const matrix = fc.record({
    matrix: fc.array(fc.record({ when: arbitraryCondition, to }), { minLength: 1, maxLength: 3 }),
  });
  const source = fc.oneof({ weight: 6, arbitrary: one }, { weight: 1, arbitrary: matrix });
  return fc.array(source, { minLength: 1, maxLength: 3 });
}

/** Webhooks name approvers only. */
const people = sourcesOf(plainSource);
const sources = sourcesOf(fc.oneof({ weight: 7, arbitrary: plainSource }, { weight: 1, arbitrary: webhook }));

const part: fc.Arbitrary<QuorumPart> = fc
  .record({
    who: fc.oneof(
      fc.record({ user: name }),
      fc.record({ group }),
      fc.record({ role: fc.constant('counsel') }),
    ),
    approvals: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ who, approvals }) => ({ ...who, approvals }));

/** Everything of a stage but its key and what names other stages. */
const stageBody: fc.Arbitrary<Omit<StageDefinition, 'key'>> = fc.record(
  {
    title: fc.constantFrom('Finance', 'Legal review', 'Owner'),
    when: arbitraryCondition,
    approvers: sources,
    order: fc.constantFrom('parallel' as const, 'sequential' as const),
    quorum: fc.oneof(
      fc.constantFrom('any' as const, 'all' as const, 'majority' as const),
      fc.record({ approvals: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ percent: fc.constantFrom(20, 50.5, 100) }),
      fc.record({ each: fc.array(part, { minLength: 1, maxLength: 2 }) }),
    ),
    reject: fc.oneof(
      fc.constantFrom('any' as const, 'unreachable' as const),
      fc.record({ rejections: fc.integer({ min: 1, max: 3 }) }),
    ),
    selfApproval: fc.constantFrom('forbid' as const, 'reroute' as const, 'allow' as const),
    onNoApprovers: fc.oneof(
      fc.constantFrom('fail' as const, 'skip' as const, 'approve' as const),
      fc.record({ fallback: sources }),
    ),
    onReject: fc.constantFrom('reject' as const, 'return' as const),
    sla: fc.oneof(duration, fc.record({ field: path })),
    remind: fc.oneof(
      fc.record({ after: duration }),
      fc.record(
        { after: duration, every: duration, max: fc.constantFrom(1, 3, 100) },
        { requiredKeys: ['after', 'every'] },
      ),
    ),
    escalate: fc.array(
      fc.record(
        {
          after: duration,
          to: fc.oneof(
            people,
            fc
              .record({ manager: fc.record({ of: fc.constant('assignee' as const) }) })
              .map((one): ApproverSource[] => [one]),
          ),
          mode: fc.constantFrom('add' as const, 'replace' as const),
        },
        { requiredKeys: ['after', 'to'] },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    expire: fc.record(
      {
        after: duration,
        outcome: fc.constantFrom('reject' as const, 'approve' as const, 'cancel' as const, 'expire' as const),
      },
      { requiredKeys: ['after'] },
    ),
    comment: fc.constantFrom('optional' as const, 'required' as const, 'required-on-reject' as const),
    notify: people,
    calendar: fc.constantFrom('office', 'night'),
    reads: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['approvers'] },
);

const spans = fc.constantFrom(['09:00-17:00'], ['08:00-12:00', '13:00-16:30']);
const calendar: fc.Arbitrary<CalendarDefinition> = fc.record(
  {
    timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York'),
    weekly: fc
      .record(Object.fromEntries(weekdays.map((day) => [day, spans])), optional)
      .map((weekly) => ({ ...weekly, wed: ['09:00-17:00'] })),
    holidays: fc.uniqueArray(fc.constantFrom('2026-12-25', '2026-12-26', '2027-01-01'), { maxLength: 3 }),
  },
  { requiredKeys: ['timeZone', 'weekly'] },
);

const codes = fc.uniqueArray(fc.constantFrom('budget', 'policy', 'duplicate'), { maxLength: 3 });

const subject = fc
  .record(
    {
      limit: fc.constantFrom(0, 100),
      regions: fc.constantFrom(['EMEA', 'AMER', 'APAC'], ['EMEA', 'APAC']),
      note: fc.constantFrom('string', 'boolean'),
      closed: fc.boolean(),
    },
    { requiredKeys: ['regions'] },
  )
  .map(({ limit, regions, note, closed }) => ({
    type: 'object',
    required: ['amount', 'region', 'owner', 'team', ...(note === 'boolean' ? ['note'] : [])],
    properties: {
      amount: { type: 'number', ...(limit === undefined ? {} : { minimum: limit }) },
      region: { type: 'string', enum: regions },
      owner: { type: 'string' },
      team: { type: 'string' },
      ...(note === undefined ? {} : { note: { type: note } }),
    },
    ...(closed === undefined ? {} : { additionalProperties: !closed }),
  }));

/** Puts stages one after another or side by side, and lets them name earlier ones. */
function arranged(
  bodies: {
    key: string;
    body: Omit<StageDefinition, 'key'>;
    beside: boolean;
    distinct: number[];
    after?: string;
  }[],
): WorkflowDefinition['stages'] {
  const steps: StageDefinition[][] = [];
  for (const { key, body, beside, distinct, after } of bodies) {
    const last = steps.at(-1);
    const earlier = (beside && last ? steps.slice(0, -1) : steps).flat().map((stage) => stage.key);
    const distinctFrom = earlier.filter((_, index) => distinct.includes(index));
    const [first] = earlier;
    const stage: StageDefinition = {
      key,
      ...body,
      ...(after !== undefined && first ? { when: `stages.${first}.state ${after}` } : {}),
      ...(distinctFrom.length > 0 ? { distinctFrom } : {}),
    };
    if (beside && last) last.push(stage);
    else steps.push([stage]);
  }
  return steps.map((step) => (step.length > 1 ? { parallel: step } : (step[0] as StageDefinition)));
}

/** Valid definitions with everything that the language has. Their payload is that of `subject`. */
export const arbitraryDefinition: fc.Arbitrary<WorkflowDefinition> = fc
  .record(
    {
      key: fc.constantFrom('orders', 'contracts'),
      title: fc.constantFrom('Orders', 'Contracts'),
      subject,
      reasonCodes: fc.record({ approve: codes, reject: codes, return: codes }, optional),
      onNoStage: fc.constantFrom('fail' as const, 'approve' as const),
      onChange: fc.constantFrom('material' as const, 'all' as const, 'none' as const),
      maxRevisions: fc.constantFrom(1, 10, 100),
      calendar: fc.constantFrom('office', 'night'),
      calendars: fc.record({ office: calendar, night: calendar }),
      bodies: fc.uniqueArray(
        fc.record(
          {
            key: fc.constantFrom('manager', 'finance', 'legal', 'owner', 'board'),
            body: stageBody,
            beside: fc.boolean(),
            distinct: fc.subarray([0, 1, 2]),
            after: fc.constantFrom('== "approved"', '!= "skipped"', '== "skipped"'),
          },
          { requiredKeys: ['key', 'body', 'beside', 'distinct'] },
        ),
        { minLength: 1, maxLength: 5, selector: ({ key }) => key },
      ),
    },
    { requiredKeys: ['key', 'subject', 'calendars', 'bodies'] },
  )
  .map(({ bodies, ...top }) => ({ ...top, stages: arranged(bodies) }));
