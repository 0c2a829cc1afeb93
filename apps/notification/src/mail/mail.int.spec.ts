import { DecisionLinkTokens } from '@countersign/decision-link';
import { SecretBox } from '@countersign/secret-box';
import { secretKey, until, type TestService } from '@countersign/service-kit/test';
import {
  SMTPServer,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server';
import type { AddressInfo } from 'node:net';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';

const tokens = new DecisionLinkTokens(SecretBox.fromKey(secretKey).derive('decision-link'));

interface ReceivedMail {
  to: string[];
  raw: string;
}

interface MailServer {
  url: string;
  mails: ReceivedMail[];
  close(): Promise<void>;
}

const startMailServer = async (
  options: SMTPServerOptions = {},
  refuse?: (count: number) => Error | null,
): Promise<MailServer> => {
  const mails: ReceivedMail[] = [];
  let count = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    ...options,
    onData(
      stream: SMTPServerDataStream,
      session: SMTPServerSession,
      callback: (error?: Error | null) => void,
    ) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const refusal = refuse?.(count++);
        if (refusal) return callback(refusal);
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString('utf8'),
        });
        return callback();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};

const refusal = (responseCode: number): Error => Object.assign(new Error('not this one'), { responseCode });

interface MailRow {
  state: string;
  tries: number;
  error: string | null;
  recipient: string | null;
}

const mailOf = async (service: TestService, story: RequestStory): Promise<MailRow[]> =>
  service.sql<MailRow & Record<string, unknown>>(
    'SELECT state, tries, error, recipient FROM mail WHERE request_id = $1 ORDER BY id',
    [story.request.id],
  );

describe('without a mail server', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await createNotification();
  });
  afterAll(() => service.stop());

  it('mails are kept and shown to the workspace that they are of, newest first', async () => {
    const story = new RequestStory(service.workspaceId, { title: 'Two <b>laptops</b> & a mouse' });
    const [created, assigned] = [story.created(), story.assigned()];
    await service.send(created, assigned, story.approved());
    const mails = await until(async () => {
      const { body } = await service.call('GET', '/dev/mail.json?limit=200');
      return body.data.length === 2 && (body.data as Record<string, string>[]);
    });
    expect(mails.map(({ to, subject, state }) => [to, subject, state])).toEqual([
      ['alice@example.com', 'Approved: Two <b>laptops</b> & a mouse', 'captured'],
      ['bob@example.com', 'Approval needed: Two <b>laptops</b> & a mouse', 'captured'],
    ]);
    const [outcome, asked] = mails;
    for (const mail of mails) {
      expect(mail.messageId).toBe(`<${mail.id}@countersign.example.com>`);
      expect(mail.references).toBe(`<request-${story.request.id}@countersign.example.com>`);
    }
    expect((await service.call('GET', '/dev/mail.json?limit=201')).status).toBe(400);
    for (const part of [
      'Alice needs your approval',
      'New colleagues',
      'Line manager (1 of 1)',
      'amount: 4200',
      'region: EMEA',
      story.taskId,
      story.request.id,
    ]) {
      expect(asked?.text).toContain(part);
    }
    const [link] = /https:\/\/countersign\.example\.com\/decide\/[\w-]{140}/.exec(asked?.text ?? '') ?? [];
    expect(asked?.html).toContain(`<a href="${link}"`);
    expect(tokens.read(link?.split('/').at(-1) ?? '')).toMatchObject({
      workspaceId: service.workspaceId,
      taskId: story.taskId,
      personId: story.approver.id,
      version: assigned.data.request.version,
    });
    const kept = await service.sql<{ text: string }>(`SELECT row_to_json(m)::text AS text FROM mail m`);
    for (const { text } of kept) expect(text).not.toMatch(/[\w-]{140}/);
    expect(asked?.html).toContain('Two &lt;b&gt;laptops&lt;/b&gt; &amp; a mouse');
    expect(asked?.html).not.toContain('<b>laptops');
    expect(outcome?.text).toContain('Comment: Fine with me');

    const page = await service.call('GET', '/dev/mail');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.text).toContain('Mail of Test &amp; Co');
    expect(page.text).toContain('Approval needed: Two &lt;b&gt;laptops&lt;/b&gt; &amp; a mouse');
    expect(page.text).not.toMatch(/<script|<b>/);

    const [first] = (await service.call('GET', '/dev/mail.json?limit=1')).body.data;
    expect(first.id).toBe(outcome?.id);
    const stranger = await service.call('GET', '/dev/mail.json', undefined, {
      workspace: '0192f3a4-7b1c-7d10-8000-00000000ffff',
    });
    expect(stranger.body).toEqual({ data: [], nextCursor: null });
    expect(
      (await service.call('GET', '/dev/mail.json', undefined, { scopes: ['webhooks:read'] })).status,
    ).toBe(403);
  });

  it('the requester is told of a failure, and of a cancellation by somebody else only', async () => {
    const [failed, own, others] = [
      new RequestStory(service.workspaceId),
      new RequestStory(service.workspaceId),
      new RequestStory(service.workspaceId),
    ];
    await service.send(
      failed.created(),
      failed.failed(),
      own.created(),
      own.canceled(own.requester),
      others.created(),
      others.canceled(others.approver),
    );
    const texts = await until(async () => {
      const rows = await service.sql<{ request_id: string; text_body: string }>(
        'SELECT request_id, text_body FROM mail WHERE request_id = ANY ($1::uuid[])',
        [[failed.request.id, own.request.id, others.request.id]],
      );
      return rows.length > 0 && new Map(rows.map((row) => [row.request_id, row.text_body]));
    });
    expect(texts.get(failed.request.id)).toContain('Nobody could be identified.');
    expect(texts.get(others.request.id)).toContain('Why: Not needed');
    expect(texts.has(own.request.id)).toBe(false);
  });

  it('an event for several people is a mail to each, once', async () => {
    const story = new RequestStory(service.workspaceId);
    const comment = { type: 'request.commented', data: { commentId: v7(), text: 'Which <laptops>?' } };
    const people = ['Dave', 'Erin', 'Dave'].map((name) => ({
      ...story.requester,
      id: name === 'Dave' ? '0192f3a4-7b1c-7d10-8000-00000000da0e' : '0192f3a4-7b1c-7d10-8000-00000000e210',
      email: `${name.toLowerCase()}@example.com`,
    }));
    const asked = [story.created(), story.assigned()];
    const told = story.happened([
      comment,
      { type: 'stage.notified', data: { stageKey: 'manager', stageIndex: 0, people } },
      { type: 'task.reminded' },
    ]);
    await service.send(...asked, told, { ...told, id: v7() });
    await service.handled(...asked, told);
    const mails = await until(async () => {
      const { body } = await service.call('GET', '/dev/mail.json?limit=200');
      const ours = (body.data as Record<string, string>[]).filter(({ text }) =>
        text?.includes(story.request.id),
      );
      return ours.length >= 7 && ours;
    });
    expect(mails.map(({ to, subject }) => `${to} ${subject}`).sort()).toEqual([
      'alice@example.com Comment: Two laptops',
      'alice@example.com Still waiting: Two laptops',
      'bob@example.com Approval needed: Two laptops',
      'bob@example.com Comment: Two laptops',
      'bob@example.com Reminder: approval needed: Two laptops',
      'dave@example.com For your information: Two laptops',
      'erin@example.com For your information: Two laptops',
    ]);
    const [said] = mails.filter(({ subject }) => subject?.startsWith('Comment'));
    expect(said?.html).toContain('Which &lt;laptops&gt;?');
  });

  it('somebody without a usable address is skipped, visibly', async () => {
    const nobody = new RequestStory(service.workspaceId, { approver: { email: null } });
    const strange = new RequestStory(service.workspaceId, {
      approver: { email: 'a@example.com, b@example.com' },
    });
    await service.send(nobody.created(), nobody.assigned(), strange.created(), strange.assigned());
    for (const story of [nobody, strange]) {
      const mails = await until(async () => {
        const rows = await mailOf(service, story);
        return rows.length > 0 && rows;
      });
      expect(mails).toEqual([
        { state: 'skipped', tries: 0, error: 'no usable mail address', recipient: null },
      ]);
    }
  });

  it('the same transition twice makes one mail', async () => {
    const story = new RequestStory(service.workspaceId);
    await service.send(story.created());
    const assigned = story.assigned();
    const copy = { ...assigned, id: v7() };
    await service.send(assigned, copy);
    await service.handled(assigned, copy);
    expect(await mailOf(service, story)).toHaveLength(1);
  });
});

describe('with a mail server', () => {
  let service: TestService;
  let server: MailServer;
  const refusals: (Error | null)[] = [];
  beforeAll(async () => {
    server = await startMailServer({}, () => refusals.shift() ?? null);
    service = await createNotification({
      SMTP_URL: server.url,
      COUNTERSIGN_MAIL_FROM: 'Approvals <approvals@example.com>',
    });
  });
  afterAll(async () => {
    await service.stop();
    await server.close();
  });
  beforeEach(() => {
    server.mails.length = 0;
  });

  const sent = (story: RequestStory) =>
    until(async () => {
      const [mail] = await mailOf(service, story);
      return mail?.state !== 'pending' && mail;
    }, 15_000);

  it('mails are sent as text and HTML, threaded by request, and the development page is not there', async () => {
    const story = new RequestStory(service.workspaceId, {
      title: 'Zwei Äpfel\r\nBcc: evil@example.com',
      approver: { displayName: 'Brown, Bob "B" <x@example.com>' },
    });
    await service.send(story.created(), story.assigned());
    expect(await sent(story)).toEqual({ state: 'sent', tries: 1, error: null, recipient: 'bob@example.com' });
    const [mail] = server.mails;
    expect(mail?.to).toEqual(['bob@example.com']);
    expect(mail?.raw).toMatch(/^From: Approvals <approvals@example\.com>\r$/m);
    expect(mail?.raw).toMatch(
      new RegExp(`^References:\\s+<request-${story.request.id}@countersign\\.example\\.com>\\r$`, 'm'),
    );
    expect(mail?.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mail?.raw).toMatch(/^Message-ID: <[0-9a-f-]{36}@countersign\.example\.com>\r$/m);
    expect(mail?.raw).toContain('Content-Type: multipart/alternative');
    expect(mail?.raw.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/im);
    expect((await service.call('GET', '/dev/mail.json')).status).toBe(404);
    expect((await service.call('GET', '/dev/mail')).status).toBe(404);
  });

  it('a mail that the server cannot take now is sent later', async () => {
    refusals.push(refusal(451));
    const story = new RequestStory(service.workspaceId);
    await service.send(story.created(), story.assigned());
    await until(async () => {
      const [mail] = await mailOf(service, story);
      return mail?.tries === 1 && mail.state === 'pending' && mail.error?.includes('451');
    });
    expect(await sent(story)).toMatchObject({ state: 'sent', tries: 2, error: null });
    expect(server.mails).toHaveLength(1);
  }, 20_000);

  it('a mail that the server will never take is not tried again', async () => {
    refusals.push(refusal(554));
    const story = new RequestStory(service.workspaceId);
    await service.send(story.created(), story.assigned());
    expect(await sent(story)).toMatchObject({ state: 'failed', tries: 1 });
    expect(server.mails).toHaveLength(0);
  });

  it('many mails at once arrive once each', async () => {
    const stories = Array.from({ length: 40 }, () => new RequestStory(service.workspaceId));
    await service.send(...stories.flatMap((story) => [story.created(), story.assigned()]));
    const ids = stories.map(({ request }) => request.id);
    await until(async () => {
      const [row] = await service.sql<{ sent: number }>(
        `SELECT count(*)::int AS sent FROM mail WHERE state = 'sent' AND request_id = ANY ($1::uuid[])`,
        [ids],
      );
      return row?.sent === 40;
    }, 15_000);
    expect(server.mails).toHaveLength(40);
    for (const story of stories)
      expect(server.mails.filter(({ raw }) => raw.includes(`<request-${story.request.id}@`))).toHaveLength(1);
  }, 20_000);

  it('a mail whose attempt was lost is sent by the sweeper', async () => {
    const story = new RequestStory(service.workspaceId);
    refusals.push(refusal(451));
    await service.send(story.created(), story.assigned());
    await until(async () => (await mailOf(service, story))[0]?.tries === 1);
    await service.sql('UPDATE mail SET due_at = now(), attempt = 7 WHERE request_id = $1', [
      story.request.id,
    ]);
    expect(await sent(story)).toMatchObject({ state: 'sent', tries: 2 });
    const [row] = await service.sql<{ attempt: number }>('SELECT attempt FROM mail WHERE request_id = $1', [
      story.request.id,
    ]);
    expect(row?.attempt).toBe(8);
  });
});
