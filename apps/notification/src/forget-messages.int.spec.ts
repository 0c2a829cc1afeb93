import { roleOf } from '@countersign/persistence';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createNotification } from '../test/create-notification';
import { RequestStory } from '../test/transitions';
import { forgetChats, forgetMails } from './forget-messages';
import { forgetTold } from './transitions/transition-order';

let service: TestService;
beforeAll(async () => {
  service = await createNotification({}, undefined);
});
afterAll(() => service.stop());

/** As the role that forgets: across workspaces, and with no more rights than that. */
const forget = (statement: string) =>
  service.sql(`SET ROLE ${roleOf('notification', 'relay')}; ${statement}; RESET ROLE`);
const handle = async (...messages: ReturnType<RequestStory['created']>[]) => {
  await service.send(...messages);
  await service.handled(...messages);
};
const count = async (from: string) =>
  (await service.sql<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`))[0]?.count;
const olderBy = (table: string, column: string, by: string) =>
  service.sql(`UPDATE ${table} SET ${column} = ${column} - $1::interval`, [by]);

it('mails and chat messages are forgotten after 90 days, but not what is still to be sent', async () => {
  await service.call('POST', '/v1/chat-channels', {
    name: 'All',
    format: 'slack',
    url: 'http://127.0.0.1:1/x',
  });
  const story = new RequestStory(service.workspaceId);
  await handle(story.created(), story.assigned(), story.approved());
  await service.sql(
    `INSERT INTO mail (id, workspace_id, event_id, person_id, recipient_name, subject, text_body, html_body, state, due_at, hold_until, correlation_id)
     SELECT gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), '', '', '', '', state,
            CASE WHEN state = 'pending' THEN now() + interval '1 year' END, CASE WHEN state = 'held' THEN now() + interval '1 year' END, $1
       FROM unnest('{pending,held,standby,sent}'::text[]) AS state`,
    [service.workspaceId],
  );
  await service.sql(
    `INSERT INTO chat_message (id, workspace_id, channel_id, event_id, body, state, due_at, correlation_id)
     SELECT gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), '', state, CASE WHEN state = 'pending' THEN now() + interval '1 year' END, $1
       FROM unnest('{pending,sent,failed,skipped}'::text[]) AS state`,
    [service.workspaceId],
  );
  const before = [await count('mail'), await count('chat_message')];
  for (const table of ['mail', 'chat_message']) await olderBy(table, 'created_at', '89 days');
  await forget(forgetMails);
  await forget(forgetChats);
  expect([await count('mail'), await count('chat_message')]).toEqual(before);
  for (const table of ['mail', 'chat_message']) await olderBy(table, 'created_at', '1 day 1 minute');
  await forget(forgetMails);
  await forget(forgetChats);
  expect(await service.sql('SELECT DISTINCT state FROM mail ORDER BY state')).toEqual([
    { state: 'held' },
    { state: 'pending' },
  ]);
  expect(await count(`chat_message WHERE state <> 'pending'`)).toBe(0);
  expect(await count('chat_message')).toBeGreaterThan(0);
});

it('how far a request was told is forgotten a day after it is over, and a comment on it then waits for nothing', async () => {
  await service.call('POST', '/v1/webhook-endpoints', {
    url: 'http://127.0.0.1:1/x',
    events: ['request.created'],
    format: 'standard',
    ordering: 'per-request',
  });
  const createdAt = new Date(Date.now() - 3 * 86_400_000).toISOString();
  await service.sql(`UPDATE endpoint SET ordered_since = now() - interval '10 days'`);
  const [open, over] = [0, 1].map(() => new RequestStory(service.workspaceId, { createdAt }));
  await handle(open!.created(), open!.assigned(), over!.created(), over!.assigned(), over!.approved());
  expect(await count('request_told')).toBe(2);
  await forget(forgetTold);
  expect(await count('request_told')).toBe(2);
  await olderBy('request_told', 'told_at', '25 hours');
  await forget(forgetTold);
  expect(await service.sql('SELECT request_id FROM request_told')).toEqual([
    { request_id: open!.request.id },
  ]);
  const comment = over!.happened([{ type: 'request.commented', data: { commentId: v7(), text: 'Thanks' } }]);
  await handle(comment);
  expect(await count(`mail WHERE subject LIKE 'Comment%'`)).toBe(1);
});
