import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Database, urlAs } from '@countersign/persistence';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from '../../test/create-audit';
import { fillLog } from '../../test/fill-log';
import { receiveSyslog, type SyslogReceiver } from '../../test/syslog-receiver';
import { personalWords, storyOf } from '../../test/transitions';
import { usualPatience } from './syslog-connection';
import { SyslogStream, usualWindow, type Arrived } from './syslog-stream';
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

describe('processes', () => {
  let own: Database;
  let relay: Database;
  beforeAll(async () => {
    await service.restart();
    const connect = (role: string) =>
      Database.connect({
        url: urlAs(service.ownerUrl, secretKey, role),
        schema: 'audit',
        poolSize: 4,
        applicationName: 'test',
      });
    [own, relay] = await Promise.all([connect('countersign_audit'), connect('countersign_audit_relay')]);
  }, 30_000);
  afterAll(() => Promise.all([own.close(), relay.close()]));

  /** As many processes as are asked for, and what has arrived by what they say. */
  const processes = (
    receiver: SyslogReceiver,
    workspaces: readonly string[],
    { patience = usualPatience, window = usualWindow, count = 1 } = {},
  ) => {
    const settings = readSyslogSettings(
      {
        COUNTERSIGN_SYSLOG_URL: receiver.url,
        COUNTERSIGN_SYSLOG_WORKSPACES: workspaces.join(','),
        COUNTERSIGN_SYSLOG_FROM: 'start',
      },
      'http://localhost',
    );
    if (!settings) throw new Error('no settings');
    const told = { entries: 0, pruned: 0 };
    const arrived = (more: Arrived) => {
      told.entries += more.entries;
      told.pruned += more.pruned;
    };
    const streams = Array.from(
      { length: count },
      () => new SyslogStream(settings, own, relay, arrived, patience, window),
    );
    return { streams, told };
  };
  const positionsOf = (...workspaces: string[]) =>
    service.sql(
      'SELECT next_index::int AS next, lease FROM syslog_stream WHERE workspace_id = ANY ($1::uuid[]) ORDER BY workspace_id',
      [workspaces],
    );

  it('never stream one log at the same time; what one has sent without an end the other sends again', async () => {
    const receiver = await receive();
    const workspace = v7();
    await tell(workspace);
    const {
      streams: [one, two],
    } = processes(receiver, [workspace], { count: 2 });
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
    expect(await positionsOf(workspace)).toEqual([{ next: 8, lease: null }]);
    expect(await one?.advance()).toBe(false);
    expect(receiver.connections).toBe(2);
  }, 60_000);

  it('bring everything to a receiver that is slower than they are patient, and repeat little of it', async () => {
    const receiver = await receive();
    const workspaces = [v7(), v7()].sort();
    const entries = 1_500;
    for (const workspace of workspaces) await fillLog(service, { workspace, entries, words: 800 });
    // Some 1,000 entries a second, of which a connection must be at its end within 0.3 s after it was closed.
    receiver.slowDown(50);
    const { streams } = processes(receiver, workspaces, {
      count: 2,
      patience: { connectMs: 5_000, drainMs: 2_000, closeMs: 300 },
      window: { entries: 1_000, mostEntries: 1_000, useMs: 500, leaseMs: 5_000 },
    });
    let isOver = false;
    let failures = 0;
    const running = streams.map(async (stream) => {
      while (!isOver) {
        await stream.advance().catch(() => (failures += 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await stream.settle();
    });
    await until(async () => {
      const positions = await positionsOf(...workspaces);
      return positions.length === 2 && positions.every(({ next }) => next >= entries);
    }, 50_000).finally(() => (isOver = true));
    await Promise.all(running);
    expect(failures).toBeGreaterThan(0);
    for (const workspace of workspaces) {
      const indexes = indexesOf(receiver, workspace).filter((index) => index < entries);
      expect(new Set(indexes).size).toBe(entries);
      expect(indexes.length).toBeLessThan(entries * 4);
      for (const messages of receiver.byConnection) {
        const inOrder = indexesOf({ ...receiver, messages }, workspace);
        expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      }
    }
  }, 90_000);

  it('let no log wait for ever when little goes over a connection', async () => {
    const receiver = await receive();
    const workspaces = [v7(), v7(), v7()];
    for (const workspace of workspaces) await tell(workspace);
    const {
      streams: [stream],
    } = processes(receiver, workspaces, { window: { ...usualWindow, entries: 1, mostEntries: 1 } });
    for (let round = 0; round < 6; round += 1) await stream?.advance();
    for (const workspace of workspaces) expect(indexesOf(receiver, workspace)).toEqual([0, 1]);
  }, 30_000);

  it('say how much was pruned before it could be sent, and go on with what is left', async () => {
    const receiver = await receive();
    const workspace = v7();
    await fillLog(service, { workspace, entries: 600 });
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < 512', [workspace]);
    await service.sql('UPDATE log_head SET first_index = 512, pruned_at = now() WHERE workspace_id = $1', [
      workspace,
    ]);
    const {
      streams: [stream],
      told,
    } = processes(receiver, [workspace]);
    await stream?.advance();
    await stream?.settle();
    expect(indexesOf(receiver, workspace).slice(0, 88)).toEqual(upTo(600).slice(512));
    expect(told.pruned).toBe(512);
  }, 30_000);
});
