import Ajv from 'ajv';
import { eventTypes, operationalEventTypes } from '@countersign/contracts';
import { exported, workspaceId } from '../../../test/exported-entries';
import schema from '../../../test/ocsf/entity-management.schema.json';
import { factRules } from '../../log/fact-rules';
import { ocsfOf } from './ocsf.format';

const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
const eventOf = (changes: Parameters<typeof exported>[0] = {}) => {
  const line = ocsfOf(workspaceId).line(exported(changes));
  expect(line).toMatch(/^[^\n]*\n$/);
  return JSON.parse(line);
};
const violations = (event: unknown) => (validate(event) ? [] : validate.errors);

const person = { uid: 'u-1', type_id: 1, type: 'User' };
const key = { uid: 'key-1', type_id: 4, type: 'Service' };
const actors = [
  [
    'a person vouched for by a key',
    { type: 'user', id: 'u-1', via: 'key-1' },
    { user: person, app_uid: 'key-1' },
  ],
  ['a person', { type: 'user', id: 'u-1', via: null }, { user: person }],
  ['a key', { type: 'service', id: 'key-1', via: null }, { user: key, app_uid: 'key-1' }],
  ['Countersign itself', { type: 'system', id: null, via: null }, { app_name: 'Countersign' }],
] as const;
const factTypes = Object.keys(factRules);
const otherFacts = [
  'audit.exported',
  'audit.tampered',
  'erasure.requested',
  'erasure.completed',
  'hold.placed',
  'hold.released',
  'retention.changed',
  'log.pruned',
  ...factTypes,
  'something.new',
];

describe('an OCSF event', () => {
  it.each([...eventTypes, ...operationalEventTypes, ...otherFacts])(
    'is valid by the schema of OCSF 1.8.0 for %s',
    (type) => {
      expect(violations(eventOf({ type }))).toEqual([]);
      expect(violations(eventOf({ type, requestId: null, requestVersion: null, workflow: null }))).toEqual(
        [],
      );
    },
  );

  it.each(actors)('is valid when it was %s', (_, actor, said) => {
    const event = eventOf({ content: JSON.stringify({ actor }) });
    expect(violations(event)).toEqual([]);
    expect(event.actor).toEqual(said);
  });

  it('is refused by that schema when a part is missing, unknown or does not agree', () => {
    const event = eventOf();
    for (const name of ['time', 'metadata', 'entity', 'severity_id', 'type_uid'])
      expect(violations({ ...event, [name]: undefined })).not.toEqual([]);
    expect(violations({ ...event, colour: 'red' })).not.toEqual([]);
    expect(violations({ ...event, type_uid: 300401 })).not.toEqual([]);
    expect(violations({ ...event, severity_id: 9 })).not.toEqual([]);
    expect(violations({ ...event, severity: 'High' })).not.toEqual([]);
    expect(violations({ ...event, metadata: { ...event.metadata, product: undefined } })).not.toEqual([]);
    expect(violations({ ...event, actor: {} })).not.toEqual([]);
  });

  it('holds everything of the entry', () => {
    const entry = exported();
    const event = eventOf();
    expect(event).toMatchObject({
      class_uid: 3004,
      activity_id: 3,
      type_uid: 300403,
      time: Date.parse(entry.at),
      metadata: {
        uid: entry.id,
        sequence: 7,
        event_code: entry.type,
        tenant_uid: workspaceId,
        correlation_uid: entry.requestId,
      },
      entity: { uid: entry.requestId, version: '3', data: JSON.parse(entry.content) },
      unmapped: {
        index: 7,
        request_version: 3,
        workflow: 'purchase-order',
        leaf_hash: entry.leafHash,
        sealed: JSON.parse(entry.sealed),
      },
    });
  });

  it.each([
    ['request.created', 1, 1, 1],
    ['task.decided', 3, 1, 1],
    ['request.failed', 3, 3, 2],
    ['request.rejected', 3, 1, 1],
    ['request.overridden', 3, 3, 1],
  ])('%s is activity %d, severity %d, status %d', (type, activity, severity, status) => {
    const { activity_id, severity_id, status_id } = eventOf({ type });
    expect([activity_id, severity_id, status_id]).toEqual([activity, severity, status]);
  });

  it.each([
    ['audit.exported', 2, 2],
    ['audit.tampered', 99, 5],
    ['log.pruned', 4, 2],
    ['api_key.created', 1, 2],
    ['api_key.revoked', 4, 2],
    ['directory.changed', 3, 2],
    ['delegation.created', 1, 2],
    ['delegation.ended', 99, 2],
    ['workflow.published', 3, 2],
    ['workflow.version_added', 1, 2],
    ['webhook_endpoint.secret_rotated', 3, 2],
    ['hold.placed', 1, 2],
    ['hold.released', 4, 2],
    ['mail.ended', 99, 1],
  ])('%s, about no request, is activity %d and severity %d', (type, activity, severity) => {
    const { activity_id, severity_id } = eventOf({ type, requestId: null });
    expect([activity_id, severity_id]).toEqual([activity, severity]);
  });
});
