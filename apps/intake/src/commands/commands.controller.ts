import { Controller, Get } from '@nestjs/common';
import type { RefusedCommand } from '@countersign/contracts';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  ok,
  Operation,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { findRequest } from '../requests/request.rows';
import { refusalOf } from '../requests/request-commands';
import { requestSchema } from '../requests/request.schema';

@Controller('v1/commands')
export class CommandsController {
  constructor(private readonly database: Database) {}

  @Get(':id')
  @PathId('id', 'Command id')
  @Operation({
    scope: 'requests:read',
    summary: 'A command that was answered with 202',
    answers: {
      200: {
        description: 'Its state, and the request or the problem once it is settled',
        schema: {
          type: 'object',
          required: ['id', 'state'],
          properties: {
            id: { type: 'string', format: 'uuid' },
            state: { type: 'string', enum: ['pending', 'done', 'refused'] },
            request: requestSchema,
            problem: { $ref: '#/components/schemas/Problem' },
          },
        },
      },
    },
  })
  async get(@Caller() call: Call): Promise<Answer> {
    const id = call.id('command');
    const found = await this.database.read(call.workspaceId, async (sql) => {
      const [command] = await sql.query<{
        request_id: string;
        state: string;
        refused: RefusedCommand | null;
        seen: boolean;
      }>(
        `SELECT c.request_id, c.state, c.refused, c.request_version IS NULL OR r.version >= c.request_version AS seen
           FROM command c JOIN request r ON r.id = c.request_id WHERE c.id = $1`,
        [id],
      );
      return command && { command, request: await findRequest(sql, command.request_id) };
    });
    if (!found) throw Problem.notFound('command');
    const { command, request } = found;
    if (request) allowWorkflow(call, request.workflow.key);
    // Done is what the next GET of the request shows as well.
    const state = command.seen ? command.state : 'pending';
    return ok({
      id,
      state,
      ...(state === 'done' && request ? { request } : {}),
      ...(state === 'refused' && command.refused
        ? { problem: JSON.parse(refusalOf(command.refused, call).body ?? 'null') }
        : {}),
    });
  }
}
