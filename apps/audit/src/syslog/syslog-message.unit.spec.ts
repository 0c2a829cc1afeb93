import fc from 'fast-check';
import { exported, workspaceId } from '../../test/exported-entries';
import { parseSyslog } from '../../test/parse-syslog';
import { framed, syslogMessage, type MessageOptions } from './syslog-message';

const options: MessageOptions = {
  hostname: 'approvals.example.com',
  enterprise: '32473',
  personal: false,
  most: 8_192,
};
const messageOf = (changes: Parameters<typeof exported>[0] = {}, more: Partial<MessageOptions> = {}) =>
  parseSyslog(syslogMessage(workspaceId, exported(changes), { ...options, ...more }));

describe('a syslog message', () => {
  it('is RFC 5424 and says what the entry says', () => {
    const entry = exported();
    expect(messageOf()).toEqual({
      facility: 13,
      severity: 6,
      timestamp: entry.at,
      hostname: 'approvals.example.com',
      appName: 'countersign-audit',
      procId: '-',
      msgId: 'task.decided',
      data: {
        'countersign@32473': {
          workspace: workspaceId,
          index: '7',
          id: entry.id,
          type: 'task.decided',
          requestId: entry.requestId,
          requestVersion: '3',
          workflow: 'purchase-order',
          actorType: 'user',
          actorId: '0192f3a4-7b1c-7d10-8000-000000000003',
          actorVia: 'key-1',
          leafHash: entry.leafHash,
        },
      },
      msg: `{"content":${entry.content}}`,
    });
  });

  it('has nothing that is sealed, unless that is wanted', () => {
    expect(messageOf().msg).not.toContain('please');
    expect(JSON.parse(messageOf({}, { personal: true }).msg ?? '').sealed).toEqual(
      JSON.parse(exported().sealed),
    );
  });

  it.each([
    ['task.decided', 6],
    ['audit.exported', 5],
    ['erasure.completed', 5],
    ['request.overridden', 4],
    ['request.failed', 4],
    ['audit.tampered', 2],
  ])('of %s has severity %d', (type, severity) => expect(messageOf({ type }).severity).toBe(severity));

  it('says that it was too long, instead of being cut', () => {
    const content = JSON.stringify({
      actor: { type: 'system', id: null, via: null },
      text: 'é'.repeat(10_000),
    });
    const message = messageOf({ content });
    expect(message.msg).toBeNull();
    expect(Number(message.data['countersign@32473']?.truncated)).toBeGreaterThan(20_000);
    expect(JSON.parse(messageOf({ content }, { most: 30_000 }).msg ?? '').content).toEqual(
      JSON.parse(content),
    );
  });

  it('stays one, whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({
        unit: fc.constantFrom(
          '"',
          '\\',
          ']',
          '[',
          ' ',
          '=',
          '\n',
          '\r',
          '\u0000',
          '\u0085',
          '\u2028',
          'é',
          '😀',
          '\uFEFF',
        ),
      }),
    );
    fc.assert(
      fc.property(text, text, text, (type, workflow, id) => {
        const content = JSON.stringify({ actor: { type: 'service', id, via: null }, text: id });
        const entry = exported({ type, workflow, content });
        const frame = framed(syslogMessage(workspaceId, entry, { ...options, hostname: id }));
        const space = frame.indexOf(0x20);
        const bytes = frame.subarray(space + 1);
        expect(frame.toString('ascii', 0, space)).toBe(String(bytes.length));
        const { data, msg } = parseSyslog(bytes);
        const clean = (value: string) => value.replace(/\p{Cc}/gu, '?').toWellFormed();
        expect(data['countersign@32473']).toMatchObject({ workflow: clean(workflow), actorId: clean(id) });
        expect(JSON.parse(msg ?? '').content).toEqual(JSON.parse(content));
      }),
    );
  });
});
