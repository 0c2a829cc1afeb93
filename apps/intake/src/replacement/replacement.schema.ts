import { IsBoolean, IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ReplaceBody {
  /** Who leaves: id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(256) from: string;
  /** Who takes their place; active. */
  @IsString() @IsNotEmpty() @MaxLength(256) to: string;
  /** True: only says what would happen. Never left out: nobody should replace people by forgetting it. */
  @IsBoolean() dryRun: boolean;
}

const person = {
  type: 'object',
  required: ['id', 'userName', 'displayName'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    userName: { type: 'string' },
    displayName: { type: 'string' },
  },
};

export const replacementSchema = {
  type: 'object',
  required: ['dryRun', 'from', 'to', 'tasks', 'moreTasks', 'workflows'],
  properties: {
    dryRun: { type: 'boolean' },
    from: person,
    to: person,
    tasks: {
      description: 'Open tasks that are passed on, the oldest 1,000',
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'requestId', 'requestTitle', 'workflow', 'stageKey', 'to', 'obstacle', 'commandId'],
        properties: {
          id: { type: 'string', format: 'uuid' },
          requestId: { type: 'string', format: 'uuid' },
          requestTitle: { type: 'string' },
          workflow: {
            type: 'object',
            required: ['key', 'version'],
            properties: { key: { type: 'string' }, version: { type: 'integer' } },
          },
          stageKey: { type: 'string' },
          to: {
            ...person,
            description:
              'Who gets it, or whoever stands in for them. What the leaver held only as a delegate goes back to the delegator',
          },
          obstacle: {
            description: 'Why it stays where it is; null when nothing is known to stand in the way',
            type: ['string', 'null'],
          },
          commandId: {
            description:
              'Under GET /v1/commands/{id}: what became of it. Null for a preview, and with an obstacle',
            type: ['string', 'null'],
          },
        },
      },
    },
    moreTasks: { description: 'There are more: call again', type: 'boolean' },
    workflows: {
      type: 'array',
      items: {
        type: 'object',
        required: ['key', 'version', 'state', 'pointers', 'elsewhere', 'draft'],
        properties: {
          key: { type: 'string' },
          version: { type: 'integer' },
          state: { enum: ['draft', 'published'] },
          pointers: {
            description: 'Where the definition names them, and names the other in the draft',
            type: 'array',
            items: { type: 'string' },
          },
          elsewhere: {
            description:
              'They also stand where only its author can tell what is meant, such as in an expression',
            type: 'boolean',
          },
          draft: {
            description:
              'The draft version that was added; null for a preview, and when there is nothing to change',
            type: ['integer', 'null'],
          },
        },
      },
    },
  },
};
