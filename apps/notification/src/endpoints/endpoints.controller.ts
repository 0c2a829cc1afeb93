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
import { WebhookSettings } from '../deliveries/webhook.settings';
import { ChangeEndpoint, CreateEndpoint } from './endpoint.bodies';
import { EndpointSecrets } from './endpoint-secrets';
import {
  allowEndpoint,
  deleteEndpoint,
  enableEndpoint,
  findEndpoint,
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
    await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      const { secret, sealed } = this.secrets.create(id);
      const { url, events, format, workflows = null, description = null } = body;
      const row = await insertEndpoint(
        tx,
        id,
        call.workspaceId,
        { url, events, format, workflows, description },
        sealed,
      );
      return { ...created(`/v1/webhook-endpoints/${id}`, { ...endpointView(row), secret }), secret: true };
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
    summary: 'Changes a webhook endpoint; members not given stay as they are.',
    body: ChangeEndpoint,
    answers: { 200: { description: 'The endpoint as it now is.', schema: endpointSchema } },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const body = await readEndpointBody(call, ChangeEndpoint, this.settings.allow);
    if (body.workflows !== undefined) allowEndpoint(call, body.workflows);
    await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const { url, events, format, workflows, description } = await lockEndpoint(
        tx,
        call,
        id,
        call.expectedVersion,
      );
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      return ok(
        endpointView(await updateEndpoint(tx, id, { url, events, format, workflows, description, ...given })),
      );
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
      return noContent();
    });
  }

  @Post(':id/rotate-secret')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    summary: 'Makes a new secret; for 24 hours deliveries are signed with the new one and the old one.',
    answers: { 200: { description: 'The endpoint, with its new secret.', schema: endpointWithSecretSchema } },
  })
  async rotate(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    await call.body(EmptyBody);
    await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      await lockEndpoint(tx, call, id, call.expectedVersion);
      const { secret, sealed } = this.secrets.create(id);
      return { ...ok({ ...endpointView(await rotateSecret(tx, id, sealed)), secret }), secret: true };
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
      return ok(endpointView(row.state === 'enabled' ? row : await enableEndpoint(tx, id)));
    });
  }

  private find(call: Call) {
    const id = call.id('webhook endpoint');
    return this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, id));
  }
}
