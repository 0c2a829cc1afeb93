import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
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
  insufficientScope,
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
import type { Violation } from '@countersign/contracts';
import { Controller, Delete, Get, Inject, Patch, Post } from '@nestjs/common';
import { v7 } from 'uuid';
import { WebhookSettings } from '../deliveries/webhook.settings';
import { readAudience } from '../audience/read-audience';
import { readEndpointBody } from '../endpoints/read-endpoint-body';
import { groupEvents, groupPatterns, workspaceEvents } from './channel-events';
import { ChangeChatChannel, CreateChatChannel } from './chat-channel.bodies';
import { chatChannelSchema, chatChannelView, maskedUrl, type ChatChannelRow } from './chat-channel';
import {
  deleteChannel,
  enableChannel,
  findChannel,
  insertChannel,
  listChannels,
  lockChannel,
  updateChannel,
} from './chat-channel.rows';
import { ChatDispatcher } from './chat-dispatcher';
import { readTestChat, writeTestChat } from './chat-message.rows';
import { testMessage } from './test-message';
import { chatUrlContext } from './chat-url';

const list = 'chat-channels';
const idParam = PathId('id', 'Id of the chat channel.');

/** What goes to a person's own channel is the right to decide in their name: whoever says where must have it. */
const scopesOfPersons = ['tasks:decide', 'act-as'] as const;
const requireScopesOfPersons = (call: Call): void => {
  const missing = scopesOfPersons.find((scope) => !call.has(scope));
  if (missing) throw insufficientScope(missing);
};

const eventViolations = (
  { user, group }: { user: string | null; group: string | null },
  events: string[] | null,
): Violation[] => {
  if (events === null) return [];
  if (user !== null) return [{ pointer: '/events', message: 'What a person is told their preferences say.' }];
  if (group === null || events.every((pattern) => groupPatterns.includes(pattern))) return [];
  const message = `To a group only what is about tasks is posted: ${groupPatterns.join(', ')}.`;
  return [{ pointer: '/events', message }];
};

/** How long somebody who tries a channel waits for what comes of it, and how often it is looked at. */
const testPatienceMs = 20_000;
const testLookMs = 100;
const testedSchema = {
  type: 'object',
  required: ['id', 'state', 'error'],
  properties: {
    id: { type: 'string', format: 'uuid', description: 'Of the message.' },
    state: {
      type: 'string',
      enum: ['sent', 'pending', 'failed', 'skipped'],
      description: '`pending`: it could not be posted yet, and is tried again.',
    },
    error: { type: ['string', 'null'], description: 'What the chat server said, when it did not take it.' },
  },
};

/** Where people are told by chat: incoming webhooks of Slack and Teams. */
@Controller('v1/chat-channels')
export class ChatChannelsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
    private readonly secrets: SecretBox,
    private readonly settings: WebhookSettings,
    private readonly dispatcher: ChatDispatcher,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Post()
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.created',
    summary:
      'Adds a chat channel: of the workspace, of a group or of a person; for a person’s the key needs `tasks:decide` and `act-as` too.',
    body: CreateChatChannel,
    answers: { 201: { description: 'The channel; its URL is masked.', schema: chatChannelSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const body = await readEndpointBody(call, CreateChatChannel, this.settings.allow);
    const { name, format, url, user = null, group = null, workflows = null, events = null } = body;
    const violations = [
      ...(user !== null && group !== null
        ? [{ pointer: '/group', message: 'A channel is of a person or of a group, not of both.' }]
        : []),
      ...eventViolations({ user, group }, events),
    ];
    if (violations.length > 0) throw Problem.invalid(violations);
    if (user !== null) requireScopesOfPersons(call);
    const person = user === null ? null : await this.people.find(call.workspaceId, user, call.cause);
    if (user !== null && !person?.active) {
      throw new Problem('unknown_reference', 'Whose channel it is is not known.', {
        errors: [{ pointer: '/user', message: 'Names nobody, or more than one person, who is active.' }],
      });
    }
    const named = group === null ? null : await this.people.group(call.workspaceId, group, call.cause);
    if (group !== null && !named) {
      throw new Problem('unknown_reference', 'Whose channel it is is not known.', {
        errors: [{ pointer: '/group', message: 'Names no group, or more than one.' }],
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
        group: named?.displayName ?? null,
        workflows,
        events: events ?? defaultEvents({ group_name: group }),
      });
      recordFact(tx, call, actor, {
        type: 'chat_channel.created',
        content: {
          channelId: id,
          format,
          of: person ? 'person' : group === null ? 'workspace' : 'group',
          userId: person?.id ?? null,
          groupId: named?.id ?? null,
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

  @Patch(':id')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.changed',
    summary:
      'Changes a chat channel; members not given stay as they are, and so does whose it is. For another `url` of a person’s the key needs `tasks:decide` and `act-as` too.',
    body: ChangeChatChannel,
    answers: { 200: { description: 'The channel as it now is.', schema: chatChannelSchema } },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const body = await readEndpointBody(call, ChangeChatChannel, this.settings.allow);
    if (body.workflows !== undefined) allowWorkflows(call, body.workflows, 'The chat channel');
    const actor = await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const before = await lockChannel(tx, id, call.expectedVersion);
      allowWorkflows(call, before.workflows, 'The chat channel');
      const violations = eventViolations(
        { user: before.user_id, group: before.group_name },
        body.events ?? null,
      );
      if (violations.length > 0) throw Problem.invalid(violations);
      const { url } = body;
      if (url !== undefined && before.user_id !== null) requireScopesOfPersons(call);
      const changed = await updateChannel(tx, id, {
        name: body.name ?? before.name,
        format: body.format ?? before.format,
        workflows: body.workflows === undefined ? before.workflows : body.workflows,
        events: body.events === null ? defaultEvents(before) : (body.events ?? before.events),
        ...(url === undefined
          ? {}
          : { sealedUrl: this.secrets.seal(url, chatUrlContext(id)), maskedUrl: maskedUrl(url) }),
      });
      const given = Object.entries(body).filter(([, value]) => value !== undefined);
      recordFact(tx, call, actor, {
        type: 'chat_channel.changed',
        content: {
          channelId: id,
          changed: given.map(([member]) => member).sort(),
          version: changed.version,
        },
        words: { name: body.name, events: body.events },
      });
      return ok(chatChannelView(changed));
    });
  }

  @Post(':id/test')
  @idParam
  @Operation({
    scope: 'webhooks:write',
    trail: 'chat_channel.tested',
    summary: 'Posts a test message to a chat channel and says what came of it.',
    answers: { 200: { description: 'The message, after its first attempt.', schema: testedSchema } },
  })
  async test(@Caller() call: Call): Promise<Answer> {
    const { id: channelId } = await this.find(call);
    await call.body(EmptyBody);
    const actor = await this.people.actor(call);
    const { workspaceId } = call;
    return this.idempotency.run(
      call,
      async (tx) => {
        const channel = await lockChannel(tx, channelId, call.expectedVersion);
        if (channel.state === 'disabled')
          throw new Problem('invalid_transition', 'The chat channel is disabled: enable it first.');
        const readers = channel.user_id === null ? [] : [{ workspaceId, personId: channel.user_id }];
        const audience = await readAudience(tx, [workspaceId], readers);
        const id = v7();
        const body = testMessage(channel, workspaceId, audience);
        writeTestChat(tx, { id, workspaceId, channelId, body }, call.cause);
        recordFact(tx, call, actor, { type: 'chat_channel.tested', content: { channelId, messageId: id } });
        tx.afterCommit(() => this.dispatcher.wake());
        return { commandId: id };
      },
      { settle: (id) => this.tested(workspaceId, id) },
    );
  }

  /** What came of the first attempt to post a message. */
  private async tested(workspaceId: string, id: string): Promise<Answer> {
    const giveUpAt = Date.now() + testPatienceMs;
    for (;;) {
      const message = await this.database.read(workspaceId, (sql) => readTestChat(sql, id));
      const isTried = !message || message.state !== 'pending' || message.tries > 0;
      if (isTried || Date.now() >= giveUpAt)
        return ok({ id, state: message?.state ?? 'skipped', error: message?.error ?? null });
      await new Promise((resolve) => setTimeout(resolve, testLookMs));
    }
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
      const { workflows } = await lockChannel(tx, id, call.expectedVersion);
      allowWorkflows(call, workflows, 'The chat channel');
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
    const { id } = await this.find(call);
    const actor = await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const { workflows } = await lockChannel(tx, id, call.expectedVersion);
      allowWorkflows(call, workflows, 'The chat channel');
      await deleteChannel(tx, id);
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

const defaultEvents = ({ group_name }: Pick<ChatChannelRow, 'group_name'>): string[] =>
  group_name === null ? workspaceEvents : groupEvents;
