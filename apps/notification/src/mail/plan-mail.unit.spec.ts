import { exampleTransition } from '../events/example-transition';
import { planMails } from './plan-mail';
import { summarise } from './summarise';

const settings = { smtpUrl: null, publicUrl: 'https://countersign.example.com' };
const hostile = `<script>alert("1")</script> & 'x'`;
const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;';

describe('mails', () => {
  it('escape in HTML everything that people wrote', () => {
    const { request, event } = exampleTransition('task.assigned');
    const stage = request.stages[0]!;
    const [mail] = planMails(
      {
        request: {
          ...request,
          title: hostile,
          reason: hostile,
          externalRef: hostile,
          requester: { ...request.requester, displayName: hostile },
          workflow: { ...request.workflow, key: hostile },
          stages: [
            {
              ...stage,
              title: hostile,
              tasks: stage.tasks.map((task) => ({
                ...task,
                assignee: { ...task.assignee, displayName: hostile },
              })),
            },
          ],
        },
        events: [event],
      },
      { [hostile]: hostile },
      settings,
    );
    expect(mail?.html).not.toMatch(/<script|"1"|& /);
    expect(mail?.html.split(escaped).length).toBeGreaterThan(8);
    expect(mail?.text).toContain(`Title: ${hostile}`);
  });

  it('have one line of subject, whatever the title has', () => {
    const { request, event, payload } = exampleTransition('request.approved');
    const [mail] = planMails(
      {
        request: { ...request, title: ` a\r\nBcc: b@example.com\u0007\u2028c${'d'.repeat(400)}` },
        events: [event],
      },
      payload,
      settings,
    );
    expect(mail?.subject).toMatch(/^Approved: a Bcc: b@example\.com c?d+$/);
    expect(mail?.subject.length).toBeLessThanOrEqual(250);
  });

  it.each([
    ['task.assigned', 'bob@example.com'],
    ['request.approved', 'alice@example.com'],
    ['request.rejected', 'alice@example.com'],
    ['request.returned', 'alice@example.com'],
    ['request.canceled', 'alice@example.com'],
    ['request.expired', 'alice@example.com'],
    ['request.failed', 'alice@example.com'],
  ] as const)('tell of %s to %s', (type, recipient) => {
    const { request, event, payload } = exampleTransition(type);
    const mails = planMails({ request, events: [event] }, payload, settings);
    expect(mails).toMatchObject([{ recipient, state: 'captured', eventId: event.id, requestId: request.id }]);
    for (const part of [request.title, request.id, 'amount: 4200']) expect(mails[0]?.text).toContain(part);
  });

  it.each([
    'request.created',
    'request.submitted',
    'request.completed',
    'request.stage_started',
    'task.decided',
  ] as const)('do not tell of %s', (type) => {
    const { request, event, payload } = exampleTransition(type);
    expect(planMails({ request, events: [event] }, payload, settings)).toEqual([]);
  });

  it('do not tell the requester what they did themselves, but do tell them that it failed', () => {
    const by = (type: 'request.canceled' | 'request.failed') => {
      const { request, event, payload } = exampleTransition(type);
      const actor = { type: 'user' as const, id: request.requester.id, via: null };
      return planMails({ request, events: [{ ...event, actor }] }, payload, settings);
    };
    expect(by('request.canceled')).toEqual([]);
    expect(by('request.failed')).toHaveLength(1);
  });

  it('wait to be sent where there is a mail server', () => {
    const { request, event, payload } = exampleTransition('request.approved');
    const [mail] = planMails({ request, events: [event] }, payload, { ...settings, smtpUrl: 'smtp://mail' });
    expect(mail?.state).toBe('pending');
  });
});

describe('the summary of a payload', () => {
  it('has its members in their order, nested ones by path', () => {
    expect(summarise({ b: 1, a: { x: 'y', list: [true, null] } })).toEqual([
      ['b', '1'],
      ['a.x', 'y'],
      ['a.list.0', 'true'],
      ['a.list.1', 'null'],
    ]);
  });

  it('is short, whatever the payload', () => {
    const deep = JSON.parse('{"a":'.repeat(500) + '1' + '}'.repeat(500)) as unknown;
    const lines = summarise({
      deep,
      long: 'x'.repeat(100_000),
      many: Array.from({ length: 1_000 }, (_, n) => n),
    });
    expect(lines.length).toBeLessThanOrEqual(26);
    expect(lines.every(([path, value]) => path.length + value.length < 300)).toBe(true);
    expect(lines.at(-1)).toEqual(['…', expect.stringMatching(/^\d+ more$/)]);
  });

  it.each([[null], [undefined], [{}], [[]]])('of %j is empty', (payload) => {
    expect(summarise(payload)).toEqual([]);
  });

  it('of a bare value is that value', () => {
    expect(summarise('x')).toEqual([['payload', 'x']]);
  });
});
