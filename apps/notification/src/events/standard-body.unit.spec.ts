import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { eventSchema } from './event-schema';
import { exampleTransition } from './example-transition';
import { mostBodyBytes, StandardBodies } from './standard-body';

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
const validate = ajv.compile(eventSchema('task.decided'));

interface Body {
  data: { request: Record<string, unknown>; omitted?: string[]; url?: string; task: unknown };
}

const { request, event } = exampleTransition('task.decided');
const url = `https://countersign.example.com/v1/requests/${request.id}`;

const bodyOf = (payload: unknown, more: Partial<typeof request> = {}): { text: string; body: Body } => {
  const text = new StandardBodies({ ...request, ...more }, payload, 'https://countersign.example.com').of(
    event,
  );
  const body = JSON.parse(text) as Body;
  expect(validate(body) || validate.errors).toBe(true);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostBodyBytes);
  return { text, body };
};

describe('a standard body', () => {
  it('has the largest payload there may be', () => {
    const { body } = bodyOf('é'.repeat(128 * 1_024 - 1));
    expect(body.data.request.payload).toHaveLength(128 * 1_024 - 1);
    expect(body.data).not.toHaveProperty('omitted');
    expect(body.data).not.toHaveProperty('url');
  });

  it('leaves out what is largest when it would be too long, and says where it is', () => {
    const { body } = bodyOf('x'.repeat(mostBodyBytes));
    expect(body.data).toMatchObject({ omitted: ['request.payload'], url, task: { id: expect.any(String) } });
    const { payload: _, ...rest } = bodyOf({}).body.data.request;
    expect(body.data.request).toEqual(rest);
  });

  it('leaves out no more than it has to', () => {
    const [stage] = request.stages;
    const tasks = Array.from({ length: 2_000 }, () => stage!.tasks[0]!);
    const many = bodyOf({}, { stages: [{ ...stage!, tasks }] }).body.data;
    expect(many.omitted).toEqual(['request.payload', 'request.stages']);
    expect(many.request).toHaveProperty('metadata');
    const all = bodyOf('', { metadata: { x: 'y'.repeat(mostBodyBytes) }, reason: 'z'.repeat(mostBodyBytes) });
    expect(all.body.data.omitted).toEqual([
      'request.payload',
      'request.stages',
      'request.metadata',
      'request.reason',
    ]);
    expect(all.body.data.request).toMatchObject({
      id: request.id,
      title: request.title,
      state: request.state,
    });
  });
});
