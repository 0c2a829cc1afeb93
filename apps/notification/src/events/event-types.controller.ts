import { ok, Operation, type Answer } from '@countersign/service-kit';
import { Controller, Get } from '@nestjs/common';
import { eventCatalogue, type EventTypeEntry } from './event-catalogue';

const entrySchema = {
  type: 'object',
  required: ['type', 'description', 'schema', 'example'],
  properties: {
    type: { type: 'string' },
    description: { type: 'string' },
    schema: { type: 'object', description: 'JSON Schema (2020-12) of the body in `standard` format.' },
    example: { type: 'object' },
  },
};

@Controller('v1/event-types')
export class EventTypesController {
  private readonly entries: EventTypeEntry[] = eventCatalogue();

  @Get()
  @Operation({
    scope: 'webhooks:read',
    summary: 'Lists the event types with the schema and an example of their bodies.',
    answers: {
      200: {
        description: 'All event types.',
        schema: {
          type: 'object',
          required: ['data'],
          properties: { data: { type: 'array', items: entrySchema } },
        },
      },
    },
  })
  list(): Answer {
    return ok({ data: this.entries });
  }
}
