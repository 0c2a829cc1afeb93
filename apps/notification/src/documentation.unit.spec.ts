import { readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { operationalEventTypes } from '@countersign/contracts';
import { newPrivateKey, newSecret, publicKeyOf, signHeaders } from '@countersign/webhook-signature';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { mostCounted, mostHours } from './deliveries/delivery-counts';
import { givenUpAfterMs, failingAfter, opensAfter } from './deliveries/endpoint-health';
import { defaultSchedule } from './deliveries/retry-schedule';
import { callTimeoutMs } from './deliveries/webhook-caller';
import { CreateEndpoint } from './endpoints/endpoint.bodies';
import { easylifeBody } from './events/easylife-body';
import { exampleTransition } from './events/example-transition';
import { mostBodyBytes } from './events/standard-body';

const text = readFileSync(path.resolve(__dirname, '..', '..', '..', 'docs', 'webhooks.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block!);

describe('docs/webhooks.md', () => {
  it.each([
    ['hmac', newSecret(), (secret: string) => secret, newSecret()],
    ['ed25519', newPrivateKey(), publicKeyOf, publicKeyOf(newPrivateKey())],
  ])(
    'verifies what is signed by %s, also during a rotation, and nothing else',
    (_, secret, shown, stranger) => {
      const source = blocks('js')[secret.startsWith('whsec_') ? 0 : 1]!;
      const context: { require: NodeJS.Require; Buffer: typeof Buffer; isGenuine?: unknown } = {
        require,
        Buffer,
      };
      vm.runInNewContext(source, context);
      const isGenuine = context.isGenuine as (key: string, headers: object, body: string) => boolean;
      const body = '{"type":"task.decided","text":"é"}';
      const other = secret.startsWith('whsec_') ? newSecret() : newPrivateKey();
      const sign = (timestamp: Date) => signHeaders({ id: 'evt', timestamp, body, secrets: [other, secret] });
      const headers = sign(new Date());
      expect(isGenuine(shown(secret), headers, body)).toBe(true);
      expect(isGenuine(shown(secret), headers, `${body} `)).toBe(false);
      expect(isGenuine(stranger, headers, body)).toBe(false);
      expect(isGenuine(shown(secret), { ...headers, 'webhook-id': 'other' }, body)).toBe(false);
      expect(isGenuine(shown(secret), sign(new Date(Date.now() - 400_000)), body)).toBe(false);
      for (const name of Object.keys(headers)) {
        const rest = Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name));
        expect([name, isGenuine(shown(secret), rest, body)]).toEqual([name, false]);
      }
    },
  );

  it('shows JSON, and an endpoint that can be created', () => {
    for (const block of blocks('json')) expect(() => JSON.parse(block)).not.toThrow();
    const [, body] = /-d '(\{.*?\})'/s.exec(blocks('sh')[0]!)!;
    expect(validateSync(plainToInstance(CreateEndpoint, JSON.parse(body!)), { whitelist: true })).toEqual([]);
  });

  it('shows an easylife body with the members that are sent', () => {
    const shown = blocks('json').map((block) => JSON.parse(block) as Record<string, unknown>);
    const { request } = exampleTransition('request.created');
    expect(shown.map((body) => Object.keys(body))).toContainEqual(
      Object.keys(JSON.parse(easylifeBody(request)) as object),
    );
  });

  it('names every operational event', () => {
    const [, table] = /## Operational events\n(.*?)\n\n[^|]/s.exec(text)!;
    expect([...table!.matchAll(/^\| `([a-z.]+)`/gm)].map(([, type]) => type)).toEqual(operationalEventTypes);
  });

  it('has the numbers of the code', () => {
    const words = (part: string) =>
      part.replace(
        /^PT?(\d+)(.)$/,
        (_, n: string, unit: string) => `${n} ${{ S: 's', M: 'min', H: 'h' }[unit]}`,
      );
    const waits = defaultSchedule.split(',').map(words);
    const line = text.replaceAll('\n', ' ');
    expect(line).toContain(`${waits.slice(0, -1).join(', ')} and ${waits.at(-1)}`);
    expect(line).toContain(`within ${callTimeoutMs / 1_000} seconds`);
    expect(line).toContain(`at most ${mostBodyBytes / 1_024} KiB`);
    expect(line).toContain(`(up to ${mostHours})`);
    expect(line).toContain(`up to ${mostCounted.toLocaleString('en')}`);
    expect([failingAfter, opensAfter, givenUpAfterMs / 86_400_000]).toEqual([3, 10, 5]);
    expect(line).toMatch(/three attempts in a row.*/);
    expect(line).toContain('Once ten attempts in a row');
    expect(line).toContain('After five days without');
  });
});
