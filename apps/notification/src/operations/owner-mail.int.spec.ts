import { until, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';

let service: TestService;
let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await startReceiver((response) => response.writeHead(410).end('gone'));
  service = await createNotification();
});
afterAll(async () => {
  await service.stop();
  await receiver.close();
});

it('the owner of an endpoint that is disabled is told in their language', async () => {
  const owner = {
    id: v7(),
    active: true,
    userName: 'jürgen@example.com',
    displayName: 'Jürgen\r\nGroß',
    email: 'juergen@example.com',
    reading: { language: 'de-AT', locale: null, timezone: 'Europe/Vienna' },
  };
  await service.sql(
    'INSERT INTO person (workspace_id, id, user_name, version, active, person) VALUES ($1, $2, $3, 1, true, $4)',
    [service.workspaceId, owner.id, owner.userName, owner],
  );
  const made = await service.call(
    'POST',
    '/v1/webhook-endpoints',
    {
      url: `${receiver.url}/secret-path`,
      events: ['request.created'],
      format: 'standard',
      description: 'ERP <b>',
    },
    { actor: owner.userName },
  );
  expect(made.status).toBe(201);
  await service.send(new RequestStory(service.workspaceId).created());
  const mail = await until(
    async () =>
      (
        await service.sql<Record<'recipient' | 'subject' | 'text_body' | 'html_body', string>>(
          'SELECT recipient, subject, text_body, html_body FROM mail WHERE person_id = $1',
          [owner.id],
        )
      )[0],
    15_000,
  );
  expect([mail.recipient, mail.subject]).toEqual([owner.email, 'Webhook-Endpunkt abgeschaltet: ERP <b>']);
  for (const part of [
    'Guten Tag Jürgen Groß,',
    'Ein Webhook-Endpunkt, den Sie angelegt haben, erhält keine Ereignisse mehr.',
    `Adresse: ${new URL(receiver.url).origin}`,
    'Beschreibung: ERP <b>',
    'Grund: ',
    `Der Endpunkt: https://countersign.example.com/v1/webhook-endpoints/${made.body.id}`,
  ])
    expect(mail.text_body).toContain(part);
  expect(mail.html_body).toContain('<html lang="de">');
  expect(mail.html_body).toContain('ERP &lt;b&gt;');
  expect(`${mail.text_body}${mail.html_body}`).not.toMatch(/secret-path|<b>ERP|Hello/);
});
