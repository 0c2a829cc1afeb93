import { Controller, Get } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import {
  Call,
  Caller,
  decodeCursor,
  encodeCursor,
  ok,
  Operation,
  PageQuery,
  type Answer,
} from '@countersign/service-kit';
import { eventPatternList, typesOf } from '@countersign/contracts';
import { IsOptional, Matches } from 'class-validator';
import { listEvents } from './feed.rows';

const typePatterns = {
  message: 'types must be a comma list of "*", families such as "request.*" and event types',
};

export class EventsQuery extends PageQuery {
  /** As the `events` of a webhook endpoint, separated by commas; `*` when it is not given. */
  @IsOptional()
  @Matches(eventPatternList, typePatterns)
  types?: string;
}

const indexPosition = /^-?\d{1,18}$/;

@Controller('v1/events')
export class EventsController {
  constructor(private readonly database: Database) {}

  @Get()
  @Operation({
    scope: 'webhooks:read',
    summary: 'The same events as by webhook, oldest first; go on from nextCursor',
    query: EventsQuery,
    answers: {
      200: {
        description:
          'A page; nextCursor is always there. An empty page with another one than was given has looked through a part of the log: go on at once',
        schema: {
          type: 'object',
          required: ['data', 'nextCursor'],
          properties: { data: { type: 'array', items: { type: 'object' } }, nextCursor: { type: 'string' } },
        },
      },
    },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { cursor, limit, types = '*' } = call.query(EventsQuery);
    const after = decodeCursor('events', cursor, indexPosition);
    const wanted = {
      types: typesOf(types.split(',')),
      allowed: call.identity.key.workflows,
      after,
      limit,
    };
    const { events, next } = await this.database.snapshot(call.workspaceId, (sql) =>
      listEvents(sql, call.workspaceId, wanted),
    );
    return ok({ data: events, nextCursor: encodeCursor('events', String(next)) });
  }
}
