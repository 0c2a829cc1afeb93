const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});
const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };
const count = { type: 'integer', minimum: 0 };
const countOrNull = { type: ['integer', 'null'], minimum: 0 };
const ids = { type: 'array', items: { type: 'string', format: 'uuid' } };
const time = { type: 'string', format: 'date-time' };

const call = object(
  {
    attempt: count,
    at: time,
    status: countOrNull,
    latencyMs: { type: ['number', 'null'] },
    result: text,
    requestHash: { ...textOrNull, description: 'SHA-256 of the body sent, in hex; null when nothing was.' },
    answerHash: { ...textOrNull, description: 'SHA-256 of the answer\u2019s body, in hex.' },
    keptFrom: {
      ...textOrNull,
      description: 'Nothing was sent: an answer of this time still held. The hashes are those of its call.',
    },
  },
  ['keptFrom'],
);

const source = object(
  {
    rule: { ...text, description: 'The place of the source in its stage, such as `approvers.0`.' },
    kind: { type: 'string', enum: ['user', 'group', 'role', 'levels', 'limit', 'webhook'] },
    refs: { ...count, description: 'How many refs it came to.' },
    named: {
      ...countOrNull,
      description: 'How many people it names; null: a webhook that is not asked yet.',
    },
    people: { ...ids, description: 'The first 100 of them, whether they may approve or not.' },
    groups: { type: 'array', items: object({ id: { type: 'string', format: 'uuid' }, version: count }) },
    of: { ...ids, description: 'Whose managers.' },
    levels: count,
    webhook: object({
      url: text,
      format: { type: 'string', enum: ['easylife', 'countersign'] },
      answered: { type: ['array', 'null'], items: text },
      calls: { type: 'array', items: call },
    }),
  },
  ['groups', 'of', 'levels', 'webhook'],
);

/** JSON Schema of a `ResolutionEvidence`. */
export const resolutionEvidenceSchema = object(
  {
    directoryVersion: {
      ...count,
      description:
        'The number of changes of the directory: all up to this one were seen, and maybe some just after it.',
    },
    at: { ...time, description: 'The moment for which absences and delegations were looked at.' },
    sources: { type: 'array', items: source },
    standIns: {
      type: 'array',
      description: 'Who has the vote of somebody else: the first 100.',
      items: object({
        of: { type: 'string', format: 'uuid' },
        holder: { type: 'string', format: 'uuid' },
        delegations: {
          type: 'array',
          items: text,
          description: 'Ids of the delegations that lead there; `outOfOffice` for an absence.',
        },
      }),
    },
  },
  ['standIns'],
);
