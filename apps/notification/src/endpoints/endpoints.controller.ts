import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
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
  PageQuery,
  pageSchema,
  pageOf,
  PathId,
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
import { endpointSchema, endpointView, endpointWithSecretSchema } from './endpoint';
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
    await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const before = await lockEndpoint(tx, call, id, call.expectedVersion);
      const { url, events, format, workflows, description, signing, ordering } = before;
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const settings = { url, events, format, workflows, description, signing, ordering, ...given };
      const changed = await updateEndpoint(tx, id, settings);
      if (settings.url !== before.url) {
        await giveAnotherChance(tx, id);
        tx.afterCommit(() => this.dispatcher.wake());
      }
      if (settings.signing === before.signing) return ok(endpointView(changed));
      const secret = this.secrets.create(id, settings.signing);
      const rotated = await rotateSecret(tx, id, settings.signing, secret);
      return ok({ ...endpointView(rotated), ...secret.shown });
    });
  }

  @Delete(':id')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    summary: 'Deletes a webhook endpoint and its secrets; what was to be delivered to it is skipped.',
    answers: { 204: { description: 'It is gone.' } },
  })
  async remove(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      await lockEndpoint(tx, call, id, call.expectedVersion);
      await deleteEndpoint(tx, id);
      tx.afterCommit(() => this.dispatcher.wake());
      return noContent();
    });
  }

  @Post(':id/rotate-secret')
  @idParam
  @Operation({
    scope: 'webhooks:write',
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
    await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const { signing } = await lockEndpoint(tx, call, id, call.expectedVersion);
      const secret = this.secrets.create(id, signing);
      const rotated = await rotateSecret(tx, id, signing, secret);
      return { ...ok({ ...endpointView(rotated), ...secret.shown }), secret: true };
    });
  }

  @Post(':id/enable')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    summary: 'Enables a disabled webhook endpoint; what it missed can be replayed.',
    answers: { 200: { description: 'The endpoint as it now is.', schema: endpointSchema } },
  })
  async enable(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    await call.body(EmptyBody);
    await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const row = await lockEndpoint(tx, call, id, call.expectedVersion);
      if (row.state === 'enabled') return ok(endpointView(row));
      await giveAnotherChance(tx, id);
      tx.afterCommit(() => this.dispatcher.wake());
      return ok(endpointView(await enableEndpoint(tx, id)));
    });
  }

  private find(call: Call) {
    const id = call.id('webhook endpoint');
    return this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, id));
  }
}
