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
import { listEvents } from './feed.rows';

const indexPosition = /^-?\d{1,18}$/;

@Controller('v1/events')
export class EventsController {
  constructor(private readonly database: Database) {}

  @Get()
  @Operation({
    scope: 'webhooks:read',
    summary: 'The same events as by webhook, oldest first; go on from nextCursor',
    query: PageQuery,
    answers: {
      200: {
        description: 'A page; nextCursor is always there',
        schema: {
          type: 'object',
          required: ['data', 'nextCursor'],
          properties: { data: { type: 'array', items: { type: 'object' } }, nextCursor: { type: 'string' } },
        },
      },
    },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const query = call.query(PageQuery);
    const after = decodeCursor('events', query.cursor, indexPosition);
    const events = await this.database.read(call.workspaceId, (sql) =>
      listEvents(sql, call.workspaceId, call.identity.key.workflows, after, query.limit),
    );
    return ok({
      data: events.map(({ view }) => view),
      nextCursor: encodeCursor('events', events.at(-1)?.index ?? after ?? '-1'),
    });
  }
}
