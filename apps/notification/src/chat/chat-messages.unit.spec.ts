import type { OutboundResult } from '@countersign/outbound-http';
import fc from 'fast-check';
import type { MailContent } from '../mail/mail-content';
import { maskedUrl } from './chat-channel';
import { chatVerdict } from './chat-outcome';
import { slackMessage } from './slack-message';
import { teamsMessage } from './teams-message';

const content: MailContent = {
  subject: 'Approval needed: Two laptops',
  greeting: 'Hello Bob,',
  sentences: ['Alice needs your approval.'],
  facts: [
    ['Requester', 'Alice'],
    ['Due', '22 Nov 2026'],
  ],
  summary: [['amount', '48,000']],
  decisions: ['Legal – Carol: approved (21 Nov 2026) – Fine by me'],
  decide: { url: 'https://countersign.example.com/decide/1', hint: 'It works once.' },
  links: [['The request', 'https://countersign.example.com/v1/requests/1']],
};
const hostile = '<!channel> <https://evil|click> & *bold* [x](https://evil) {{DATE(2026-01-01)}} @here';
const hostileContent: MailContent = {
  ...content,
  subject: hostile,
  sentences: [hostile],
  facts: [[hostile, hostile]],
  summary: [[hostile, hostile]],
};

const manyLines = Array.from({ length: 20 }, (_, index): [string, string] => [`line ${index}.`, 'value']);

interface Text {
  type: string;
  text: string;
}
/** Every object of a message that has a text. */
const textsIn = (value: unknown): Text[] =>
  typeof value !== 'object' || value === null
    ? []
    : [
        ...('text' in value && typeof value.text === 'string' && 'type' in value ? [value as Text] : []),
        ...Object.values(value).flatMap(textsIn),
      ];

describe('a message for Slack', () => {
  it('has what is needed to decide in blocks, and the link as a button', () => {
    const message = JSON.parse(slackMessage(content, 'en'));
    expect(message.text).toBe(content.subject);
    expect(message.blocks.map(({ type }: Text) => type)).toEqual([
      'header',
      'section',
      'section',
      'section',
      'section',
      'section',
      'actions',
      'context',
    ]);
    expect(message.blocks[2].fields[0]).toEqual({
      type: 'plain_text',
      text: 'Requester\nAlice',
      emoji: false,
    });
    expect(message.blocks.slice(4, 6).map(({ text }: { text: Text }) => text.text)).toEqual([
      'Decisions so far',
      '• Legal – Carol: approved (21 Nov 2026) – Fine by me',
    ]);
    expect(message.blocks[6].elements).toMatchObject([
      { type: 'button', text: { text: 'Look at it and decide' }, url: content.decide?.url, style: 'primary' },
      { type: 'button', url: content.links[0]?.[1] },
    ]);
    expect([message.unfurl_links, message.unfurl_media]).toEqual([false, false]);
    expect(JSON.parse(slackMessage(content, 'de')).blocks[6].elements[0].text.text).toBe(
      'Ansehen und entscheiden',
    );
  });

  it('takes nothing that people wrote for markup', () => {
    const text = slackMessage(hostileContent, 'en');
    const message = JSON.parse(text);
    for (const one of textsIn(message.blocks).filter(({ type }) => type !== 'button')) {
      expect(one.type).toBe('plain_text');
      expect(one.text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
    }
    expect(message.mrkdwn).toBe(false);
    expect(message.text).not.toMatch(/[<>]/);
  });

  it('leaves out none of what a mail says', () => {
    const message = slackMessage(
      { ...content, summary: manyLines, decisions: manyLines.map(([a]) => a) },
      'en',
    );
    for (const [name] of manyLines) expect(message.split(name)).toHaveLength(3);
  });

  it('keeps to Slack’s limits, whatever it has to say', () => {
    const text = fc.string({ maxLength: 4_000, unit: fc.constantFrom('&', 'a', '<', '😀', '\0') });
    fc.assert(
      fc.property(text, fc.array(fc.tuple(text, text), { maxLength: 30 }), (long, pairs) => {
        const { blocks, text: fallback } = JSON.parse(
          slackMessage(
            {
              ...content,
              subject: long,
              sentences: [long],
              facts: pairs,
              summary: pairs,
              decisions: pairs.map(([a]) => a),
            },
            'en',
          ),
        );
        expect(fallback.length).toBeLessThanOrEqual(300);
        expect(blocks[0].text.text.length).toBeLessThanOrEqual(150);
        expect(blocks[1].text.text.length).toBeLessThanOrEqual(3_000);
        expect(blocks[1].text.text.length).toBeGreaterThan(0);
        expect(blocks.length).toBeLessThanOrEqual(50);
        for (const { fields = [], text: words } of blocks) {
          expect(words?.text.length ?? 0).toBeLessThanOrEqual(3_000);
          expect(fields.length).toBeLessThanOrEqual(10);
          for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a message for Teams', () => {
  it('is an adaptive card with what is needed to decide, and the link as an action', () => {
    const { type, attachments } = JSON.parse(teamsMessage(content, 'de'));
    expect([type, attachments.length, attachments[0].contentType]).toEqual([
      'message',
      1,
      'application/vnd.microsoft.card.adaptive',
    ]);
    const card = attachments[0].content;
    expect(card).toMatchObject({ type: 'AdaptiveCard', version: '1.4', lang: 'de' });
    expect(textsIn(card.body).map(({ text }) => text)).toEqual([
      content.subject,
      'Alice needs your approval.',
      'Requester: ',
      'Alice',
      'Due: ',
      '22 Nov 2026',
      'amount: ',
      '48,000',
      'Bisherige Entscheidungen',
      'Legal – Carol: approved (21 Nov 2026) – Fine by me',
      'It works once.',
    ]);
    expect(card.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Ansehen und entscheiden', url: content.decide?.url },
      { type: 'Action.OpenUrl', title: 'The request', url: content.links[0]?.[1] },
    ]);
  });

  it('takes nothing that people wrote for Markdown or for a function', () => {
    const card = JSON.parse(teamsMessage(hostileContent, 'en')).attachments[0].content;
    for (const { type, text } of textsIn(card.body)) {
      // A TextRun knows no Markdown.
      expect(type).toBe('TextRun');
      expect(text).not.toContain('{{');
    }
  });

  it('leaves out none of what a mail says', () => {
    const message = teamsMessage(
      { ...content, summary: manyLines, decisions: manyLines.map(([a]) => a) },
      'en',
    );
    for (const [name] of manyLines) expect(message.split(name)).toHaveLength(3);
  });

  it.each(['ü', '漢', '"', '\u0001', '😀'])(
    'is below the 28 KB that Teams takes, also of many %j',
    (character) => {
      const long = character.repeat(5_000);
      const pairs = Array.from({ length: 26 }, () => [long, long] as [string, string]);
      const body = teamsMessage(
        { ...content, subject: long, facts: pairs, summary: pairs, decisions: pairs.map(([a]) => a) },
        'en',
      );
      expect(Buffer.byteLength(body)).toBeLessThan(28_000);
    },
  );
});

describe('what a chat server answers', () => {
  const now = new Date('2026-11-21T09:00:00Z');
  const answered = (status: number, body = 'ok', headers: Record<string, string> = {}): OutboundResult => ({
    kind: 'response',
    status,
    headers,
    body: Buffer.from(body),
    truncated: false,
    latencyMs: 1,
  });
  const verdict = (call: OutboundResult, tries = 0) => {
    const { state, delayMs, isGone } = chatVerdict({ tries }, call, now, [5_000, 60_000], 0.5);
    return [state, delayMs, isGone];
  };

  it.each<[string, OutboundResult, unknown[]]>([
    ['200', answered(200), ['sent', null, false]],
    ['202', answered(202, ''), ['sent', null, false]],
    [
      '200 with a failure of Teams',
      answered(
        200,
        'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429',
      ),
      ['pending', 5_000, false],
    ],
    ['429', answered(429, '', { 'retry-after': '30' }), ['pending', 30_000, false]],
    ['500', answered(500), ['pending', 5_000, false]],
    ['400', answered(400, 'invalid_blocks'), ['failed', null, false]],
    ['403', answered(403, 'invalid_token'), ['failed', null, false]],
    ['404', answered(404, 'no_service'), ['failed', null, true]],
    ['410', answered(410, 'channel_is_archived'), ['failed', null, true]],
    ['302', answered(302), ['failed', null, false]],
    ['nothing', { kind: 'failed', reason: 'timeout', detail: '', latencyMs: 1 }, ['pending', 5_000, false]],
    ['refused', { kind: 'refused', reason: 'address_not_allowed', detail: '' }, ['failed', null, false]],
  ])('%s', (_, call, expected) => expect(verdict(call)).toEqual(expected));

  it('is the end when the schedule is over', () => {
    expect(verdict(answered(500), 2)).toEqual(['failed', null, false]);
  });
});

it('the URL of a channel is shown without what makes it one', () => {
  const url = 'https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXabcd';
  expect(maskedUrl(url)).toBe('https://hooks.slack.com/…abcd');
  expect(maskedUrl('https://a.example.com/secret')).toBe('https://a.example.com/…');
});
