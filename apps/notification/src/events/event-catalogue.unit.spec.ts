import { eventTypes, operationalEventTypes } from '@countersign/contracts';
import { PUBLIC_EVENT_TYPES } from '@countersign/workflow';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { eventCatalogue } from './event-catalogue';

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
addFormats(ajv);

describe('the event catalogue', () => {
  const entries = eventCatalogue();

  it('has every event type once, in the order of the documentation', () => {
    expect(entries.map(({ type }) => type)).toEqual([...eventTypes, ...operationalEventTypes]);
  });

  it('has just those that the decider calls public', () => {
    expect(eventTypes).toEqual(PUBLIC_EVENT_TYPES);
  });

  it.each(entries)(
    'has an example of $type that fits its schema, and no other type does',
    ({ type, schema, example }) => {
      const validate = ajv.compile(schema);
      expect(validate(example) || validate.errors).toBe(true);
      const other = entries.find((entry) => entry.type !== type);
      expect(validate(other?.example)).toBe(false);
    },
  );

  it('has an example of the task that the event is about, as after the transition', () => {
    const tasks = entries.flatMap(({ type, example }) => {
      const { task } = (example as { data: { task?: { state: string; decision: string | null } } }).data;
      return task ? [[type, task.state, task.decision]] : [];
    });
    expect(tasks).toEqual([
      ['task.assigned', 'open', null],
      ['task.reminded', 'open', null],
      ['task.overdue', 'open', null],
      ['task.escalated', 'open', null],
      ['task.reassigned', 'reassigned', null],
      ['task.decided', 'approved', 'approve'],
      ['task.dismissed', 'dismissed', 'approve'],
      ['task.expired', 'expired', null],
    ]);
  });

  it('says of every request whether it was overridden', () => {
    for (const { type, example } of entries.slice(0, eventTypes.length))
      expect(example).toHaveProperty('data.request.overridden', type === 'request.overridden');
  });

  it.each(entries)('asks for a $type to have all that it has', ({ schema, example }) => {
    const validate = ajv.compile(schema);
    const { data, ...rest } = example as { data: Record<string, unknown> };
    for (const name of Object.keys(data)) {
      expect([name, validate({ ...rest, data: { ...data, [name]: undefined } })]).toEqual([name, false]);
    }
  });
});
