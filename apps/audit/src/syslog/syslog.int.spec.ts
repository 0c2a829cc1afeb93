import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Database, urlAs } from '@countersign/persistence';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from '../../test/create-audit';
import { fillLog } from '../../test/fill-log';
import { receiveSyslog, type SyslogReceiver } from '../../test/syslog-receiver';
import { personalWords, storyOf } from '../../test/transitions';
import { SyslogStream } from './syslog-stream';
import { readSyslogSettings } from './syslog.settings';

const tlsFile = (name: string) => path.join(__dirname, '../../test/tls', name);
const certificate = (name: string) => ({
  cert: readFileSync(tlsFile(`${name}.crt`)),
  key: readFileSync(tlsFile(`${name}.key`)),
});
/** A connection is used for up to 10 s before it is known what has arrived. */
const settlingMs = 25_000;

let service: TestService;
const receivers: SyslogReceiver[] = [];
const receive = async (...options: Parameters<typeof receiveSyslog>) => {
  const receiver = await receiveSyslog(...options);
  receivers.push(receiver);
  return receiver;
};
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(async () => {
  await service.stop();
  await Promise.all(receivers.map((receiver) => receiver.stop()));
}, 30_000);

const tell = async (workspace: string) => {
  const { messages } = storyOf(workspace);
  await service.send(...messages);
  await service.handled(...messages);
};
const indexesOf = ({ messages }: SyslogReceiver, workspace: string): number[] =>
  messages
    .map(({ data }) => data['countersign@32473'] ?? {})
    .filter((data) => data.workspace === workspace)
    .map(({ index }) => Number(index));
const upTo = (size: number) => Array.from({ length: size }, (_, n) => n);
const settled = (workspace: string, size: number) =>
  until(async () => {
    const [row] = await service.sql<{ next: string }>(
      'SELECT next_index AS next FROM syslog_stream WHERE workspace_id = $1',
      [workspace],
    );
    return Number(row?.next ?? 0) >= size;
  }, settlingMs);

describe('the stream of a service', () => {
  const before = v7();
  let receiver: SyslogReceiver;
  beforeAll(async () => {
    receiver = await receive();
    await tell(before);
    await service.restart({ COUNTERSIGN_SYSLOG_URL: receiver.url });
    // Streaming is set up.
    await until(async () => (await service.sql('SELECT 1 FROM syslog_stream')).length > 0);
  }, 60_000);

  it('has every entry from then on, of old logs and new ones, in order, and nothing personal', async () => {
    const fresh = v7();
    await Promise.all([tell(before), tell(fresh)]);
    await until(() => indexesOf(receiver, fresh).length >= 8 && indexesOf(receiver, before).length >= 8);
    await Promise.all([settled(before, 16), settled(fresh, 8)]);
    expect(indexesOf(receiver, before)).toEqual(upTo(16).slice(8));
    expect(indexesOf(receiver, fresh)).toEqual(upTo(8));
    const { body } = await service.get('/v1/audit/entries', { workspace: fresh });
    const sent = receiver.messages.filter(({ data }) => data['countersign@32473']?.workspace === fresh);
    expect(sent.map(({ msg }) => JSON.parse(msg ?? '').content)).toEqual(
      body.data.map(({ content }: { content: unknown }) => content),
    );
    for (const word of personalWords) expect(JSON.stringify(sent)).not.toContain(word);
  }, 60_000);

  it('sends again what was on its way when connections break, and loses nothing', async () => {
    const workspace = v7();
    const entries = 6_000;
    await fillLog(service, { workspace, entries, words: 500 });
    for (const share of [0.1, 0.5, 0.9]) {
      await until(() => new Set(indexesOf(receiver, workspace)).size > entries * share, settlingMs);
      receiver.strike();
    }
    await settled(workspace, entries);
    // The self-check finds that a log which was filled like this has no true hashes, and says so in it.
    const indexes = indexesOf(receiver, workspace).filter((index) => index < entries);
    expect([...new Set(indexes)].sort((a, b) => a - b)).toEqual(upTo(entries));
    expect(indexes.length).toBeGreaterThan(entries);
  }, 90_000);

  it('does not keep the log waiting when the receiver takes nothing, and catches up', async () => {
    const workspace = v7();
    receiver.hold(true);
    await fillLog(service, { workspace, entries: 5_000, words: 2_000 });
    const other = v7();
    await tell(other);
    expect((await service.get('/v1/audit/entries', { workspace: other })).body.data).toHaveLength(8);
    await until(async () => {
      const { text } = await service.get('/metrics');
      return Number(/^countersign_syslog_waiting_entries (\d+)$/m.exec(text)?.[1]) > 1_000;
    });
    receiver.hold(false);
    await Promise.all([settled(workspace, 5_000), settled(other, 8)]);
    const indexes = indexesOf(receiver, workspace).filter((index) => index < 5_000);
    expect(new Set(indexes).size).toBe(5_000);
  }, 90_000);
});

describe('a receiver by TLS', () => {
  it('gets the log when it is whom the certificate names', async () => {
    const receiver = await receive(certificate('receiver'));
    await service.restart({
      COUNTERSIGN_SYSLOG_URL: receiver.url,
      COUNTERSIGN_SYSLOG_CA: tlsFile('ca.crt'),
    });
    const workspace = v7();
    await tell(workspace);
    await settled(workspace, 8);
    expect(indexesOf(receiver, workspace)).toEqual(upTo(8));
  }, 60_000);

  it.each([
    ['another name', 'other', { COUNTERSIGN_SYSLOG_CA: tlsFile('ca.crt') }],
    ['a certificate of somebody unknown', 'receiver', {}],
  ])(
    'gets nothing with %s',
    async (_, name, env) => {
      const receiver = await receive(certificate(name));
      await service.restart({ COUNTERSIGN_SYSLOG_URL: receiver.url, ...env });
      await tell(v7());
      await until(async () =>
        /^countersign_syslog_failures_total [1-9]/m.test((await service.get('/metrics')).text),
      );
      expect(receiver.messages).toEqual([]);
    },
    60_000,
  );
});

describe('two processes', () => {
  it('never stream one log at the same time; what one has sent without an end the other sends again', async () => {
    const receiver = await receive();
    await service.restart();
    const connect = (role: string) =>
      Database.connect({
        url: urlAs(service.ownerUrl, secretKey, role),
        schema: 'audit',
        poolSize: 2,
        applicationName: 'test',
      });
    const [own, relay] = await Promise.all([
      connect('countersign_audit'),
      connect('countersign_audit_relay'),
    ]);
    try {
      const workspace = v7();
      const env = { COUNTERSIGN_SYSLOG_URL: receiver.url, COUNTERSIGN_SYSLOG_WORKSPACES: workspace };
      const settings = readSyslogSettings(env, 'http://localhost');
      if (!settings) throw new Error('no settings');
      await tell(workspace);
      let counted = 0;
      const [one, two] = [0, 1].map(
        () => new SyslogStream(settings, own, relay, (count) => (counted += count)),
      );
      await one?.advance();
      await two?.advance();
      await until(() => receiver.messages.length === 8);
      expect(receiver.connections).toBe(1);
      // The first one dies: nobody says goodbye, and its lease runs out.
      await service.sql(
        "UPDATE syslog_stream SET lease_until = now() - interval '1 second' WHERE workspace_id = $1",
        [workspace],
      );
      await two?.advance();
      await two?.settle();
      await one?.settle();
      expect(indexesOf(receiver, workspace)).toEqual([...upTo(8), ...upTo(8)]);
      const rows = await service.sql('SELECT next_index, lease FROM syslog_stream WHERE workspace_id = $1', [
        workspace,
      ]);
      expect(rows).toEqual([{ next_index: '8', lease: null }]);
      expect(await one?.advance()).toBe(false);
      expect(receiver.connections).toBe(2);
    } finally {
      await Promise.all([own.close(), relay.close()]);
    }
  }, 60_000);
});
