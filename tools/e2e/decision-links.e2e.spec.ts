import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page as BrowserPage } from 'playwright-core';
import { startBrowser } from './browser';
import { eventually } from './eventually';
import { expectStatus, type Json, type Page } from './http-client';
import { startMailServer, type ArrivedMail, type MailServer } from './mail-server';
import { createOrganisation, deactivateUser, type Organisation } from './organisation';
import { order, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

const patchOp = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];

jest.setTimeout(180_000);

let mailServer: MailServer;
let system: TestSystem;
let browser: Browser;
let people: Organisation;
/** Every token that anybody was sent. */
const tokens = () =>
  mailServer.mails.flatMap(({ text, html }) => `${text}\n${html}`.match(/(?<=\/decide\/)[\w-]{100,}/g) ?? []);

beforeAll(async () => {
  mailServer = await startMailServer();
  browser = await startBrowser();
  system = await startTestSystem({ env: { SMTP_URL: mailServer.url } });
  people = await createOrganisation(system.admin);
  await publish(
    system.admin,
    workflowOf(
      'purchase',
      [
        '  - key: manager',
        '    title: Line manager',
        '    approvers: [ { manager: { levels: 1 } } ]',
        '    comment: required-on-reject',
        '  - key: finance',
        '    title: Finance',
        '    when: payload.amount > 1000.0',
        '    approvers: [ { user: carol@example.com } ]',
        '',
      ].join('\n'),
      [
        'title: Purchase order',
        'reasonCodes: { reject: [budget, duplicate] }',
        'subject: { type: object, required: [amount], properties: { amount: { type: number }, department: { type: string }, region: { type: string } } }',
        '',
      ].join('\n'),
    ),
  );
  // A browser may have to be fetched first.
}, 900_000);
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await mailServer?.close();
});

const mailTo = (name: string, requestId: string, subject = ''): Promise<ArrivedMail> =>
  eventually(`a mail to ${name} about ${requestId}`, () =>
    mailServer.mails.findLast(
      ({ to, text, headers }) =>
        to[0] === `${name}@example.com` && text.includes(requestId) && headers.subject?.includes(subject),
    ),
  );
const linkIn = ({ text, html }: ArrivedMail): string => {
  const [link] = /http:\/\/\S+\/decide\/[\w-]+/.exec(text) ?? [];
  if (!link || !html.includes(`href="${link}"`))
    throw new Error(`no link to decide in both parts of ${text}`);
  return link;
};

/** As somebody who clicks: a browser with nothing in it. */
const visit = async (
  link: string,
  work: (page: BrowserPage) => Promise<void>,
  locale = 'en-GB',
): Promise<void> => {
  const context = await browser.newContext({ locale, viewport: { width: 900, height: 1100 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  // What a policy keeps from loading or running; that an answer is a refusal the page says itself.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  try {
    await page.goto(link);
    await work(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
};

/** E2E_SCREENSHOTS=<folder> keeps what the browser showed, also as narrow as a phone and in the dark. */
const picture = async (page: BrowserPage, name: string): Promise<void> => {
  const folder = process.env.E2E_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const keep = (kind: string) =>
    page.screenshot({ path: path.join(folder, `${name}${kind}.png`), fullPage: true });
  const size = page.viewportSize();
  await keep('');
  await page.setViewportSize({ width: 390, height: 800 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep('-phone-dark');
  await page.emulateMedia({ colorScheme: null });
  if (size) await page.setViewportSize(size);
};

/** Whether everything that is there can be seen without moving the page sideways. */
const fits = (page: BrowserPage): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth <= innerWidth');

const timeline = async (id: string) =>
  expectStatus(
    await system.admin.get<Page<Json & { actor: Json }>>(`/v1/requests/${id}/timeline?limit=200`),
    200,
  ).data;

it('a request is approved by the links of its mails alone, and the trail says how', async () => {
  const { id } = await submit(system.admin, {
    workflow: 'purchase',
    payload: order(48_000),
    reason: 'New colleagues',
  });
  const mail = await mailTo('bob', id);
  expect(mail.headers.subject).toBe('Approval needed: 30 laptops');
  for (const part of ['Alice needs your approval', 'New colleagues', 'amount: 48,000', 'default'])
    expect(mail.text).toContain(part);

  await visit(linkIn(mail), async (page) => {
    expect(await page.title()).toBe('Approval needed: 30 laptops');
    expect(await page.locator('main').innerText()).toMatch(/Alice needs your decision[\s\S]*48,000/);
    await picture(page, '1-open');
    await page.getByLabel('Approve').check();
    await page.getByLabel('Comment').fill('Fine with me,\n<b>really</b>');
    await page.getByRole('button').click();
    await page.getByText('You have decided this on').waitFor();
    expect(await page.locator('main').innerText()).toContain('<b>really</b>');
    expect(await page.locator('form').count()).toBe(0);
    await picture(page, '2-decided');
    await page.reload();
    await page.getByText('You have decided this on').waitFor();
  });

  const next = await mailTo('carol', id);
  expect(next.text).toMatch(/Decisions so far\s+- Line manager – Bob: approved/);
  await visit(linkIn(next), async (page) => {
    await picture(page, '3-second-stage');
    await page.getByLabel('Approve').check();
    await page.getByRole('button').dblclick();
    await page.getByText('You have decided this on').waitFor();
    await picture(page, '4-completed');
  });
  const done = await untilState(system.admin, id, 'completed');
  expect(done.stages.map(({ tasks }) => tasks.map(({ comment }) => comment))).toEqual([
    ['Fine with me,\n<b>really</b>'],
    [null],
  ]);

  const decided = (await timeline(id)).filter(({ type }) => type === 'task.decided');
  expect(decided.map(({ actor }) => actor)).toEqual(
    [people.bob, people.carol].map((person) => ({
      type: 'user',
      id: person.id,
      via: expect.stringMatching(/^decision-link:[0-9a-f-]{36}$/),
    })),
  );
  const trail = await eventually('the trail', async () => {
    const { data } = expectStatus(
      await system.admin.get<Page<Json & { content: Json }>>(
        `/v1/audit/entries?requestId=${id}&type=task.decided`,
      ),
      200,
    );
    return data.length === 2 ? data : null;
  });
  expect(trail.map(({ content }) => content.actor)).toEqual(decided.map(({ actor }) => actor));
  await mailTo('alice', id, 'Approved');
});

it('whoever follows every link of every mail, by GET and HEAD, changes nothing', async () => {
  const open = await submit(system.admin, { workflow: 'purchase', payload: order(5) });
  await mailTo('bob', open.id);
  const everything = async () => ({
    requests: (await system.admin.get<Page>('/v1/requests?limit=200')).body.data,
    tasks: (await system.admin.get<Page>('/v1/tasks?limit=200')).body.data,
    commands: await system.sql('SELECT id, state FROM intake.command ORDER BY id'),
    uses: await system.sql('SELECT * FROM intake.decision_link_use ORDER BY link_id'),
    events: await system.sql('SELECT count(*) FROM intake.request_event'),
  });
  const before = await everything();
  const links = new Set(
    mailServer.mails.flatMap(({ text, html }) =>
      [...`${text}\n${html}`.matchAll(/https?:\/\/[^\s"'<>]+/g)].map(([link]) => link),
    ),
  );
  expect([...links].filter((link) => link.includes('/decide/')).length).toBeGreaterThanOrEqual(3);
  const scanner = { 'user-agent': 'Mozilla/5.0 (compatible; SafeLinks)' };
  for (const link of links) {
    for (const method of ['HEAD', 'GET', 'GET']) {
      const { status } = await fetch(link, { method, headers: scanner, redirect: 'manual' });
      expect(status).toBe(link.includes('/decide/') ? 200 : 401);
    }
  }
  // As browsers and mail readers look ahead.
  const link = linkIn(await mailTo('bob', open.id));
  await visit(link, async (page) => void (await page.waitForTimeout(500)));
  await fetch(link, { headers: { purpose: 'prefetch', 'sec-purpose': 'prefetch;prerender' } });
  expect(await everything()).toEqual(before);
  expect((await read(system.admin, open.id)).state).toBe('pending_review');
});

it('two at once are one decision, and a later one shows it', async () => {
  const { id } = await submit(system.admin, { workflow: 'purchase', payload: order(5) });
  const link = linkIn(await mailTo('bob', id));
  const post = (decision: string) =>
    fetch(link, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ decision, comment: 'no' }),
    });
  const answers = await Promise.all(['approve', 'approve', 'reject', 'approve'].map(post));
  const { state } = await untilState(system.admin, id, 'completed', 'rejected');
  // Who answers the same again sees what became of it; who answers otherwise is told that this changes nothing.
  const [same, other] = state === 'completed' ? ['approve', 'reject'] : ['reject', 'approve'];
  expect(answers.map(({ status }) => status)).toEqual(
    ['approve', 'approve', 'reject', 'approve'].map((decision) => (decision === same ? 303 : 409)),
  );
  expect((await post(same)).status).toBe(303);
  expect((await post(other)).status).toBe(409);
  expect((await timeline(id)).filter(({ type }) => type === 'task.decided')).toHaveLength(1);
  expect(await (await fetch(link)).text()).toContain('You have decided this on');
});

it('a German approver reads German, is asked for what is missing, and told what has changed', async () => {
  expectStatus(
    await system.admin.patch(
      `/scim/v2/Users/${people.bob.id}`,
      {
        schemas: patchOp,
        Operations: [{ op: 'add', value: { preferredLanguage: 'de-DE', timezone: 'Europe/Berlin' } }],
      },
      { headers: { 'content-type': 'application/scim+json' } },
    ),
    200,
  );
  const mail = await eventually('a mail in German', async () => {
    const { id } = await submit(system.admin, {
      workflow: 'purchase',
      payload: order(12_000),
      title: 'Bürostühle',
    });
    const arrived = await mailTo('bob', id);
    return arrived.headers.subject === 'Freigabe erforderlich: Bürostühle' ? { id, arrived } : null;
  });
  expect(mail.arrived.text).toContain('Guten Tag Bob,');
  await visit(
    linkIn(mail.arrived),
    async (page) => {
      await picture(page, '5-german');
      await page.getByLabel('Ablehnen').check();
      await page.getByLabel('Grund').selectOption('budget');
      await page.getByRole('button', { name: 'Entscheidung absenden' }).click();
      await page.getByText('Diese Entscheidung braucht einen Kommentar.').waitFor();
      expect(await page.getByLabel('Ablehnen').isChecked()).toBe(true);
      expect(await page.getByLabel('Grund').inputValue()).toBe('budget');
      await picture(page, '6-missing-comment');

      expectStatus(
        await system.admin.patch(`/v1/requests/${mail.id}`, {
          payload: { ...order(13_000), region: 'APAC' },
        }),
        200,
      );
      await page.getByLabel('Kommentar').fill('Zu teuer');
      await page.getByRole('button').click();
      await page.getByText('Der Antrag wurde geändert, während Sie diese Seite geöffnet hatten').waitFor();
      const changed = await page.locator('table').filter({ hasText: 'Vorher' }).innerText();
      expect(changed.replace(/\s+/g, ' ')).toBe('Was Vorher Jetzt amount 12.000 13.000 region EMEA APAC');
      await picture(page, '7-changed');
      await page.getByRole('button').click();
      await page.getByText('abgelehnt').first().waitFor();
      await picture(page, '8-rejected');
    },
    'en-GB',
  );
  const rejected = await untilState(system.admin, mail.id, 'rejected');
  expect(rejected.stages[0]?.tasks[0]).toMatchObject({
    decision: 'reject',
    reasonCode: 'budget',
    comment: 'Zu teuer',
  });
});

it('a link ends when somebody else has the task, the person has left, or links are switched off', async () => {
  /** Two links: of whom it was asked first, and of whom they have passed it on to. */
  const passedOn = async (): Promise<[string, string]> => {
    const { id } = await submit(system.admin, { workflow: 'purchase', payload: order(2_000) });
    const [task] = await untilTasks(system.admin, id);
    const first = linkIn(await mailTo('bob', id));
    expectStatus(
      await system.admin
        .as('bob@example.com')
        .post(`/v1/tasks/${task!.id}/reassign`, { to: 'dave@example.com' }),
      200,
    );
    return [first, linkIn(await mailTo('dave', id))];
  };
  const [old, own] = await passedOn();
  await visit(old, async (page) => {
    await page.getByText('Diese Aufgabe liegt nicht mehr bei Ihnen').waitFor();
    expect(await page.locator('main').innerText()).not.toContain('2000');
    await picture(page, '9-moved');
  });
  expectStatus(await system.admin.patch('/v1/workspace-settings', { decisionLinks: false }), 200);
  expect((await fetch(own)).status).toBe(410);
  expectStatus(await system.admin.patch('/v1/workspace-settings', { decisionLinks: true }), 200);
  // Those that were out stay ended.
  expect((await fetch(own)).status).toBe(410);
  const [, next] = await passedOn();
  await visit(
    next,
    async (page) => void (await page.getByRole('button', { name: 'Send decision' }).waitFor()),
  );
  await deactivateUser(system.admin, people.dave.id);
  await eventually('the link is closed', async () => (await fetch(next)).status === 403);
});

it('fits a phone, whatever people have written', async () => {
  const long = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen'.repeat(5).slice(0, 290);
  const { id } = await submit(system.admin, {
    workflow: 'purchase',
    payload: { ...order(5), [long]: { [long]: long.repeat(10) }, text: 'Line\n\twith a tab' },
    title: long,
    reason: `${long} ${'reason '.repeat(300)}`,
    externalRef: long.slice(0, 255),
  });
  const mail = await mailTo('bob', id);
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, isMobile: true });
  try {
    const page = await context.newPage();
    await page.goto(linkIn(mail));
    expect(await fits(page)).toBe(true);
    await picture(page, '10-long');
    const answer = page.getByRole('button');
    expect((await answer.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    // Another page: the policy of the first forbids the styles of a mail.
    const reader = await context.newPage();
    await reader.setContent(mail.html);
    expect(await fits(reader)).toBe(true);
    await picture(reader, '11-long-mail');
  } finally {
    await context.close();
  }
});

it('mails can be looked at', async () => {
  const context = await browser.newContext({ viewport: { width: 700, height: 900 } });
  const page = await context.newPage();
  const subjects = new Map(mailServer.mails.map((mail) => [mail.headers.subject?.split(':')[0] ?? '', mail]));
  expect(subjects.size).toBeGreaterThanOrEqual(4);
  let number = 0;
  for (const { html } of subjects.values()) {
    await page.setContent(html);
    expect(await page.locator('script, img, iframe, form').count()).toBe(0);
    await picture(page, `mail-${++number}`);
  }
  await context.close();
});

it('is a page, not a problem or a question for a password, whatever is left of a link', async () => {
  for (const rest of ['', '/', '/nonsense', '/nonsense.', '/%3Cscript%3E', `/${'a'.repeat(140)}`, '/a/b']) {
    const answer = await fetch(`${system.url}/decide${rest}`, { headers: { 'accept-language': 'de' } });
    expect([
      answer.status,
      answer.headers.get('content-type'),
      answer.headers.get('www-authenticate'),
    ]).toEqual([404, 'text/html; charset=utf-8', null]);
    expect(await answer.text()).toContain('Diese Seite gibt es nicht.');
  }
});

it('cannot be hammered', async () => {
  const url = `${system.url}/decide/${'b'.repeat(140)}`;
  const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(url)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/);
});

it('stands in no log and in no table', async () => {
  const given = [...new Set(tokens())];
  expect(given.length).toBeGreaterThan(5);
  const logs = path.join(system.dataDir, 'logs');
  const written = readdirSync(logs)
    .map((name) => readFileSync(path.join(logs, name), 'utf8'))
    .join('\n');
  const tables = await system.sql<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'notification.mail',
      'notification.chat_message',
      'intake.command',
      'audit.entry',
    ]),
  );
  const kept: string[] = [];
  for (const { name } of tables) {
    const [row] = await system.sql<{ text: string | null }>(
      `SELECT string_agg(t::text, ' ') AS text FROM ${name} t`,
    );
    kept.push(row?.text ?? '');
  }
  const all = [written, ...kept].join('\n');
  for (const token of given) expect(all.includes(token)).toBe(false);
});
