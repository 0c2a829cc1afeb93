import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  Caller,
  callingActor,
  decodeCursor,
  EmptyBody,
  Idempotency,
  idPosition,
  IsTime,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  PathId,
  Problem,
  recordFact,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { Controller, Get, Post } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import type { EndpointRow } from '../endpoints/endpoint';
import { allowEndpoint, findEndpoint, lockEndpoint } from '../endpoints/endpoint.store';
import { DeliveryDispatcher } from './delivery-dispatcher';
import {
  deliverySchema,
  deliveryStates,
  deliveryView,
  findDelivery,
  listDeliveries,
  type DeliveryRow,
  type DeliveryState,
} from './delivery';
import { countDeliveries, deliveryCountsSchema, mostHours } from './delivery-counts';
import { letThrough, replayDelivery, replayPeriod } from './replay-deliveries';
import { insertTestDelivery } from './test-event';

const list = 'deliveries';
const endpointParam = PathId('id', 'Id of the webhook endpoint.');
const deliveryParam = PathId('id', 'Id of the delivery.');

const isGiven = (_: object, value: unknown): boolean => value !== undefined;

export class DeliveriesQuery extends PageQuery {
  @IsOptional() @IsIn(deliveryStates) state?: DeliveryState;
  @IsOptional() @IsString() @MaxLength(100) eventType?: string;
  @IsOptional() @IsUUID() requestId?: string;
  @IsOptional() @IsTime() createdAfter?: string;
  @IsOptional() @IsTime() createdBefore?: string;
}

export class StatisticsQuery {
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(mostHours) hours?: number;
}

export class ReplayBody {
  @IsTime() since: string;
  @ValidateIf(isGiven) @IsTime() until?: string;
  @ValidateIf(isGiven) @IsIn(deliveryStates) state?: DeliveryState;
}

@Controller('v1')
export class DeliveriesController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly dispatcher: DeliveryDispatcher,
  ) {}

  @Get('webhook-endpoints/:id/deliveries')
  @endpointParam
  @Operation({
    scope: 'webhooks:read',
    summary: 'Lists the deliveries of a webhook endpoint with their attempts, newest first.',
    query: DeliveriesQuery,
    answers: {
      200: {
        description: 'A page of deliveries.',
        schema: pageSchema(deliverySchema),
      },
    },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const endpointId = call.id('webhook endpoint');
    await this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, endpointId));
    const { limit, cursor, ...wanted } = call.query(DeliveriesQuery);
    const filter = {
      workspaceId: call.workspaceId,
      endpointId,
      ...wanted,
      before: decodeCursor(list, cursor, idPosition),
      limit: limit + 1,
    };
    const rows = await this.database.read(call.workspaceId, (sql) => listDeliveries(sql, filter));
    return ok(pageOf(list, rows, limit, ({ id }) => id, deliveryView));
  }

  @Get('webhook-endpoints/:id/statistics')
  @endpointParam
  @Operation({
    scope: 'webhooks:read',
    summary:
      'Says how deliveries to a webhook endpoint fare: attempts of the last `hours` (24), and what waits.',
    query: StatisticsQuery,
    answers: { 200: { description: 'The numbers.', schema: deliveryCountsSchema } },
  })
  async statistics(@Caller() call: Call): Promise<Answer> {
    const endpointId = call.id('webhook endpoint');
    await this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, endpointId));
    const { hours = 24 } = call.query(StatisticsQuery);
    return ok(await this.database.read(call.workspaceId, (sql) => countDeliveries(sql, endpointId, hours)));
  }

  @Get('deliveries/:id')
  @deliveryParam
  @Operation({
    scope: 'webhooks:read',
    summary: 'Shows a delivery with its attempts.',
    answers: { 200: { description: 'The delivery.', schema: deliverySchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    return ok(deliveryView(await this.find(call)));
  }

  @Post('deliveries/:id/replay')
  @deliveryParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'delivery.replayed',
    summary: 'Delivers an event once more: the same webhook-id and body, a fresh timestamp and signature.',
    answers: { 200: { description: 'The delivery, pending.', schema: deliverySchema } },
  })
  async replay(@Caller() call: Call): Promise<Answer> {
    const { id, endpoint_id, event_id } = await this.find(call);
    await call.body(EmptyBody);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      refuseDisabled(await lockEndpoint(tx, call, endpoint_id, null));
      await replayDelivery(tx, id);
      recordFact(tx, call, person, {
        type: 'delivery.replayed',
        content: { deliveryId: id, endpointId: endpoint_id, eventId: event_id },
      });
      tx.afterCommit(() => this.dispatcher.wake());
      return ok(deliveryView(await findDelivery(tx, id)));
    });
  }

  @Post('webhook-endpoints/:id/replay')
  @endpointParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.replayed',
    summary: 'Delivers the events of a period once more; without a state all but the pending ones.',
    body: ReplayBody,
    answers: {
      200: {
        description: 'How many.',
        schema: { type: 'object', properties: { replayed: { type: 'integer' } } },
      },
    },
  })
  async replayPeriod(@Caller() call: Call): Promise<Answer> {
    const endpointId = call.id('webhook endpoint');
    await this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, endpointId));
    const { since, until = null, state = null } = await call.body(ReplayBody);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      refuseDisabled(await lockEndpoint(tx, call, endpointId, null));
      const replayed = await replayPeriod(tx, {
        workspaceId: call.workspaceId,
        endpointId,
        since,
        until,
        state,
      });
      recordFact(tx, call, person, {
        type: 'webhook_endpoint.replayed',
        content: { endpointId, replayed, since, until, state },
      });
      tx.afterCommit(() => this.dispatcher.wake());
      return ok({ replayed });
    });
  }

  @Post('webhook-endpoints/:id/test')
  @endpointParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'webhook_endpoint.tested',
    summary: 'Sends a test event (`endpoint.test`) to a webhook endpoint.',
    answers: { 200: { description: 'The delivery, pending.', schema: deliverySchema } },
  })
  async test(@Caller() call: Call): Promise<Answer> {
    const endpointId = call.id('webhook endpoint');
    await this.database.read(call.workspaceId, (sql) => findEndpoint(sql, call, endpointId));
    await call.body(EmptyBody);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const endpoint = await lockEndpoint(tx, call, endpointId, null);
      refuseDisabled(endpoint);
      const actor = callingActor(call, person);
      const id = await insertTestDelivery(tx, call.workspaceId, endpoint, actor, call.cause);
      recordFact(tx, call, person, {
        type: 'webhook_endpoint.tested',
        content: { endpointId, deliveryId: id },
      });
      await letThrough(tx, id);
      tx.afterCommit(() => this.dispatcher.wake());
      return ok(deliveryView(await findDelivery(tx, id)));
    });
  }

  private find(call: Call): Promise<DeliveryRow> {
    const id = call.id('delivery');
    return this.database.read(call.workspaceId, async (sql) => {
      const delivery = await findDelivery(sql, id);
      // Of an endpoint that is gone nobody knows for which workflows it was.
      allowEndpoint(call, delivery.endpoint_workflows);
      return delivery;
    });
  }
}

const refuseDisabled = (endpoint: EndpointRow): void => {
  if (endpoint.state === 'disabled')
    throw new Problem('invalid_transition', 'The webhook endpoint is disabled: enable it first.');
};
