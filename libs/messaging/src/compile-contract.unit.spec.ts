import 'reflect-metadata';
import { catalogue, Envelope, RequestTransitioned, type JobType } from '@countersign/contracts';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { envelopeOf } from '../test/in-memory';
import { compileContract } from './compile-contract';

const person = { id: v7(), externalId: null, userName: 'a', displayName: 'A', email: null };
const at = '2026-11-21T09:00:00.000Z';
const task = {
  id: v7(),
  requestId: v7(),
  stageKey: 'm',
  state: 'open',
  assignee: person,
  onBehalfOf: null,
  revision: 1,
  dueAt: null,
  decision: null,
  decidedBy: null,
  reasonCode: null,
  comment: null,
  decidedAt: null,
};
const transition = {
  request: {
    id: v7(),
    workspaceId: v7(),
    workflow: { id: v7(), key: 'k', version: 1 },
    state: 'pending_review',
    title: 't',
    reason: null,
    requester: person,
    externalRef: null,
    metadata: {},
    revision: 1,
    payloadRevision: 1,
    version: 2,
    stageIndex: 0,
    totalStages: 1,
    overridden: false,
    stages: [
      {
        index: 0,
        key: 'm',
        title: 'M',
        state: 'active',
        quorum: { approvals: 1, received: 0, rejections: 0 },
        startedAt: at,
        dueAt: null,
        endedAt: null,
        explanation: null,
        tasks: [task],
      },
    ],
    failure: null,
    createdAt: at,
    submittedAt: at,
    decidedAt: null,
    completedAt: null,
  },
  events: [
    {
      id: v7(),
      type: 'task.assigned',
      at,
      actor: { type: 'system', id: null, via: null },
      taskId: v7(),
      stageKey: 'm',
      data: {},
    },
  ],
  revisionPayload: { revision: 1, payload: { value: [1, null] } },
};

const byDecorators = (type: new () => object, value: object): boolean =>
  validateSync(plainToInstance(type, value), { forbidUnknownValues: true }).length === 0;

type Path = (string | number)[];

const pathsOf = (value: unknown, at: Path = []): Path[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, member]) => [[...at, key], ...pathsOf(member, [...at, key])])
    : [];

const changed = (value: unknown, path: Path, replacement: unknown): unknown => {
  const copy = structuredClone(value) as Record<string, unknown>;
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  const last = String(path.at(-1));
  if (replacement === undefined) delete holder[last];
  else holder[last] = replacement;
  return copy;
};

describe('a compiled contract', () => {
  it('exists for every job of the catalogue', () => {
    for (const type of Object.keys(catalogue) as JobType[]) {
      expect(compileContract(catalogue[type].data as new () => object)({})).toEqual(expect.any(String));
    }
  });

  it('accepts what fits, with members that it does not know', () => {
    expect(compileContract(RequestTransitioned)({ ...transition, later: true })).toBeNull();
    expect(compileContract(Envelope)(envelopeOf())).toBeNull();
  });

  it('accepts nothing that the decorators refuse (and refuses absent parts, which they let pass)', () => {
    const check = compileContract(RequestTransitioned);
    const paths = pathsOf(transition).filter(
      (path) => !path.includes('metadata') && !path.includes('payload') && path.at(-1) !== 'data',
    );
    const junk = fc.constantFrom<unknown>(
      undefined,
      null,
      7,
      1.5,
      'text',
      '',
      true,
      {},
      [],
      v7(),
      at,
      ['x'],
      { id: 1 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), junk, (path, replacement) => {
        const value = changed(transition, path, replacement) as object;
        return check(value) !== null || byDecorators(RequestTransitioned, value);
      }),
      { numRuns: 3_000 },
    );
    expect(check({ ...transition, request: undefined })).toEqual(expect.any(String));
  });

  it('says where something is wrong', () => {
    expect(
      compileContract(RequestTransitioned)(changed(transition, ['request', 'requester', 'id'], 'x')),
    ).toMatch('/request/requester/id');
  });
});
