import { People } from '@countersign/directory-replica';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  Caller,
  created,
  decodeCursor,
  EmptyBody,
  Idempotency,
  idPosition,
  noContent,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  PathId,
  recordFact,
  UNIT_OF_WORK,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { Controller, Delete, Get, Inject, Patch, Post } from '@nestjs/common';
import { v7 } from 'uuid';
import { DeliveryDispatcher } from '../deliveries/delivery-dispatcher';
import { WebhookSettings } from '../deliveries/webhook.settings';
import { ChangeEndpoint, CreateEndpoint } from './endpoint.bodies';
import { EndpointSecrets } from './endpoint-secrets';
import {
  allowEndpoint,
  deleteEndpoint,
  enableEndpoint,
  findEndpoint,
  giveAnotherChance,
  insertEndpoint,
  listEndpoints,
  lockEndpoint,
  rotateSecret,
  updateEndpoint,
} from './endpoint.store';
import { endpointSchema, endpointView, endpointWithSecretSchema, type EndpointRow } from './endpoint';
import { urlWithoutQuery } from './url-without-query';
import { readEndpointBody } from './read-endpoint-body';

const list = 'webhook-endpoints';
const idParam = PathId('id', 'Id of the webhook endpoint.');

@Controller('v1/webhook-endpoints')
export class EndpointsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly secrets: EndpointSecrets,
    private readonly settings: WebhookSettings,
    private readonly dispatcher: DeliveryDispatcher,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.created',
    summary: 'Creates a webhook endpoint.',
    body: CreateEndpoint,
    answers: { 201: { description: 'The endpoint, with its secret.', schema: endpointWithSecretSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const body = await readEndpointBody(call, CreateEndpoint, this.settings.allow);
    allowEndpoint(call, body.workflows ?? null);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      const { url, events, format, workflows = null, description = null } = body;
      const { signing = 'hmac', ordering = 'none' } = body;
      const secret = this.secrets.create(id, signing);
      const row = await insertEndpoint(tx, {
        id,
        workspaceId: call.workspaceId,
        ownerId: person?.id ?? null,
        ...{ url, events, format, workflows, description, signing, ordering },
        secret,
      });
      recordFact(tx, call, person, {
        type: 'webhook_endpoint.created',
        content: { endpointId: id, format, signing, ordering, workflows, version: row.version },
        words: wordsOf({ url, events, description }),
      });
      const shown = { ...endpointView(row), ...secret.shown };
      return { ...created(`/v1/webhook-endpoints/${id}`, shown), secret: true };
    });
  }

  @Get()
  @Operation({
    scope: 'webhooks:read',
    summary: 'Lists the webhook endpoints, newest first.',
    query: PageQuery,
    answers: {
      200: {
        description: 'A page of endpoints.',
        schema: pageSchema(endpointSchema),
      },
    },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listEndpoints(sql, call, before, limit + 1),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id, endpointView));
  }

  @Get(':id')
  @idParam
  @Operation({
    scope: 'webhooks:read',
    summary: 'Shows a webhook endpoint.',
    answers: { 200: { description: 'The endpoint.', schema: endpointSchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    return ok(endpointView(await this.find(call)));
  }

  @Patch(':id')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: ['webhook_endpoint.changed', 'webhook_endpoint.secret_rotated'],
    summary:
      'Changes a webhook endpoint; members not given stay as they are. Another `signing` makes a new secret or key pair, as a rotation does.',
    body: ChangeEndpoint,
    answers: {
      200: {
        description: 'The endpoint as it now is, with its secret if that is new.',
        schema: endpointWithSecretSchema,
      },
    },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const body = await readEndpointBody(call, ChangeEndpoint, this.settings.allow);
    if (body.workflows !== undefined) allowEndpoint(call, body.workflows);
    const person = await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const before = await lockEndpoint(tx, call, id, call.expectedVersion);
      const { url, events, format, workflows, description, signing, ordering } = before;
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const settings = { url, events, format, workflows, description, signing, ordering, ...given };
      const changed = await updateEndpoint(tx, id, settings);
      recordFact(tx, call, person, {
        type: 'webhook_endpoint.changed',
        content: { endpointId: id, changed: Object.keys(given).sort(), version: changed.version },
        words: wordsOf(given),
      });
      if (settings.url !== before.url) {
        await giveAnotherChance(tx, id);
        tx.afterCommit(() => this.dispatcher.wake());
      }
      if (settings.signing === before.signing) return ok(endpointView(changed));
      const secret = this.secrets.create(id, settings.signing);
      const rotated = await rotateSecret(tx, id, settings.signing, secret);
      record(tx, call, person, 'webhook_endpoint.secret_rotated', rotated);
      return ok({ ...endpointView(rotated), ...secret.shown });
    });
  }

  @Delete(':id')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.deleted',
    summary: 'Deletes a webhook endpoint and its secrets; what was to be delivered to it is skipped.',
    answers: { 204: { description: 'It is gone.' } },
  })
  async remove(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const person = await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const row = await lockEndpoint(tx, call, id, call.expectedVersion);
      await deleteEndpoint(tx, id);
      record(tx, call, person, 'webhook_endpoint.deleted', row);
      tx.afterCommit(() => this.dispatcher.wake());
      return noContent();
    });
  }

  @Post(':id/rotate-secret')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.secret_rotated',
    summary:
      'Makes a new secret or key pair; for 24 hours deliveries are signed with the new one and the old one.',
    answers: {
      200: {
        description: 'The endpoint, with its new secret or public key.',
        schema: endpointWithSecretSchema,
      },
    },
  })
  async rotate(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    await call.body(EmptyBody);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const { signing } = await lockEndpoint(tx, call, id, call.expectedVersion);
      const secret = this.secrets.create(id, signing);
      const rotated = await rotateSecret(tx, id, signing, secret);
      record(tx, call, person, 'webhook_endpoint.secret_rotated', rotated);
      return { ...ok({ ...endpointView(rotated), ...secret.shown }), secret: true };
    });
  }

  @Post(':id/enable')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.enabled',
    summary: 'Enables a disabled webhook endpoint; what it missed can be replayed.',
    answers: { 200: { description: 'The endpoint as it now is.', schema: endpointSchema } },
  })
  async enable(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    await call.body(EmptyBody);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const row = await lockEndpoint(tx, call, id, call.expectedVersion);
      if (row.state === 'enabled') return ok(endpointView(row));
      await giveAnotherChance(tx, id);
      tx.afterCommit(() => this.dispatcher.wake());
      const enabled = await enableEndpoint(tx, id);
      record(tx, call, person, 'webhook_endpoint.enabled', enabled);
      return ok(endpointView(enabled));
    });
  }

  private find(call: Call) {
    const id = call.id('webhook endpoint');
    return this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, id));
  }
}

/** Of an endpoint's settings what is no code. The query of a URL may hold what is nobody's business. */
const wordsOf = ({
  url,
  events,
  description,
}: Partial<Record<string, unknown>>): Record<string, unknown> => ({
  url: typeof url === 'string' ? urlWithoutQuery(url) : undefined,
  events,
  description,
});

const record = (
  tx: Tx,
  call: Call,
  person: { id: string } | null,
  type: 'webhook_endpoint.deleted' | 'webhook_endpoint.enabled' | 'webhook_endpoint.secret_rotated',
  { id, version }: EndpointRow,
): void => recordFact(tx, call, person, { type, content: { endpointId: id, version } });
