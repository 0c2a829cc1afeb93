import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { checkUrl } from '@countersign/outbound-http';
import { Database } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import {
  allowWorkflows,
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
  Problem,
  recordFact,
  UNIT_OF_WORK,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { Controller, Delete, Get, Inject, Post } from '@nestjs/common';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
} from 'class-validator';
import { v7 } from 'uuid';
import { WebhookSettings } from '../deliveries/webhook.settings';
import { eventPatternExpression } from '@countersign/contracts';
import {
  chatChannelSchema,
  chatChannelView,
  chatFormats,
  groupEvents,
  maskedUrl,
  workspaceEvents,
  type ChatFormat,
} from './chat-channel';
import { deleteChannel, enableChannel, findChannel, insertChannel, listChannels } from './chat-channel.rows';
import { chatUrlContext } from './chat-url';

export class CreateChatChannel {
  @IsString() @IsNotEmpty() @MaxLength(200) name: string;
  @IsIn(chatFormats) format: ChatFormat;
  /** Of the incoming webhook: a secret, never shown again. */
  @IsString() @MaxLength(2048) url: string;
  /** Whose channel it is: a user's id, externalId or userName. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(320) user?: string | null;
  /** Whose members' tasks it is told of: a group's displayName. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(320) group?: string | null;
  /** Keys of workflows; absent or null means all. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  workflows?: string[] | null;
  /** What it is told; not for a person's, whose preferences say. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @Matches(eventPatternExpression, {
    each: true,
    message: 'each of events must be "*", a family such as "request.*" or an event type',
  })
  events?: string[] | null;
}

const list = 'chat-channels';
const idParam = PathId('id', 'Id of the chat channel.');

/** Where people are told by chat: incoming webhooks of Slack and Teams. */
@Controller('v1/chat-channels')
export class ChatChannelsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly secrets: SecretBox,
    private readonly settings: WebhookSettings,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.created',
    summary: 'Adds a chat channel: of the workspace, of a group or of a person.',
    body: CreateChatChannel,
    answers: { 201: { description: 'The channel; its URL is masked.', schema: chatChannelSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(CreateChatChannel);
    const { name, format, url, user = null, group = null, workflows = null, events = null } = body;
    const problem = checkUrl(url, this.settings.allow);
    const violations = [
      ...(problem ? [{ pointer: '/url', message: `This URL cannot be called: ${problem.detail}.` }] : []),
      ...(user !== null && group !== null
        ? [{ pointer: '/group', message: 'A channel is of a person or of a group, not of both.' }]
        : []),
      ...(user !== null && events !== null
        ? [{ pointer: '/events', message: 'What a person is told their preferences say.' }]
        : []),
    ];
    if (violations.length > 0) throw Problem.invalid(violations);
    const person = user === null ? null : await this.people.find(call.workspaceId, user, call.cause);
    if (user !== null && !person?.active) {
      throw new Problem('unknown_reference', 'Whose channel it is is not known.', {
        errors: [{ pointer: '/user', message: 'Names nobody, or more than one person, who is active.' }],
      });
    }
    allowWorkflows(call, workflows, 'The chat channel');
    const actor = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      const row = await insertChannel(tx, id, call.workspaceId, {
        name,
        format,
        sealedUrl: this.secrets.seal(url, chatUrlContext(id)),
        maskedUrl: maskedUrl(url),
        userId: person?.id ?? null,
        group,
        workflows,
        events: events ?? (group === null ? workspaceEvents : groupEvents),
      });
      recordFact(tx, call, actor, {
        type: 'chat_channel.created',
        content: {
          channelId: id,
          format,
          of: person ? 'person' : group === null ? 'workspace' : 'group',
          userId: person?.id ?? null,
          workflows,
        },
        words: { name, group, events: row.events },
      });
      return created(`/v1/chat-channels/${id}`, chatChannelView(row));
    });
  }

  @Get()
  @Operation({
    scope: 'webhooks:read',
    summary: 'Lists the chat channels, newest first.',
    query: PageQuery,
    answers: { 200: { description: 'A page of channels.', schema: pageSchema(chatChannelSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor(list, cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listChannels(sql, call.workspaceId, before, limit + 1, call.identity.key.workflows),
    );
    return ok(pageOf(list, rows, limit, ({ id }) => id, chatChannelView));
  }

  @Get(':id')
  @idParam
  @Operation({
    scope: 'webhooks:read',
    summary: 'Shows a chat channel.',
    answers: { 200: { description: 'The channel.', schema: chatChannelSchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    return ok(chatChannelView(await this.find(call)));
  }

  @Post(':id/enable')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.enabled',
    summary: 'Enables a chat channel that was disabled because it was gone.',
    answers: { 200: { description: 'The channel as it now is.', schema: chatChannelSchema } },
  })
  async enable(@Caller() call: Call): Promise<Answer> {
    const { id, state } = await this.find(call);
    await call.body(EmptyBody);
    const actor = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const enabled = await enableChannel(tx, id);
      const { version } = enabled;
      if (state !== 'enabled')
        recordFact(tx, call, actor, { type: 'chat_channel.enabled', content: { channelId: id, version } });
      return ok(chatChannelView(enabled));
    });
  }

  @Delete(':id')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.deleted',
    summary: 'Removes a chat channel and its URL; what was on its way to it is not sent.',
    answers: { 204: { description: 'It is gone.' } },
  })
  async remove(@Caller() call: Call): Promise<Answer> {
    const { id, version } = await this.find(call);
    const actor = await this.people.actor(call);
    if (call.expectedVersion !== null && call.expectedVersion !== version)
      throw new Problem('version_mismatch', `The chat channel is at version ${version}.`);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      if (await deleteChannel(tx, id))
        recordFact(tx, call, actor, { type: 'chat_channel.deleted', content: { channelId: id } });
      return noContent();
    });
  }

  private async find(call: Call) {
    const id = call.id('chat channel');
    const row = await this.database.read(call.workspaceId, (sql) => findChannel(sql, id));
    allowWorkflows(call, row.workflows, 'The chat channel');
    return row;
  }
}
