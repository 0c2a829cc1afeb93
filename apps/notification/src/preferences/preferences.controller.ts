import type { DirectoryPerson, Scope } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  Caller,
  insufficientScope,
  ok,
  Operation,
  PathId,
  Problem,
  recordFact,
  UNIT_OF_WORK,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import { newsChannels, questionChannels, type Preferences } from './preferences';
import { PreferencesBody, readPreferences } from './preferences.bodies';
import { findPreferences, storePreferences } from './preferences.rows';

const text = { type: 'string' };
const timeOfDay = { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', examples: ['08:00'] };
const orNull = (properties: Record<string, object>) => ({
  oneOf: [{ type: 'object', required: Object.keys(properties), properties }, { type: 'null' }],
});
const digest = orNull({ at: timeOfDay });
const channels = {
  questions: { type: 'string', enum: [...questionChannels] },
  news: { type: 'string', enum: [...newsChannels] },
  digest,
};
const preferencesSchema = {
  type: 'object',
  required: ['user', 'questions', 'news', 'digest', 'quietHours', 'workflows', 'version'],
  properties: {
    user: { type: 'object', properties: { id: text, userName: text, displayName: text } },
    ...channels,
    quietHours: orNull({ from: timeOfDay, to: timeOfDay }),
    workflows: { type: 'object', additionalProperties: { type: 'object', properties: channels } },
    version: { type: 'integer' },
  },
};

const viewOf = (
  { id, userName, displayName }: DirectoryPerson,
  { questions, news, digest, quietHours, workflows }: Preferences,
  version: number,
) => ({
  user: { id, userName, displayName },
  questions,
  news,
  digest,
  quietHours,
  workflows,
  version,
});

const who = 'With the scope, of anybody; without it a person’s own, by Countersign-Actor.';
const userParam = PathId('user', 'A user’s id, externalId or userName');

@Controller('v1/notification-preferences')
export class PreferencesController {
  constructor(
    private readonly database: Database,
    private readonly people: People,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Get(':user')
  @userParam
  @Operation({
    scope: 'any',
    summary: `How somebody wants to be told: directory:read. ${who}`,
    answers: { 200: { description: 'The preferences', schema: preferencesSchema } },
  })
  async get(@Caller() call: Call): Promise<Answer> {
    const person = await this.personOf(call, 'directory:read');
    const { preferences, version } = await this.database.read(call.workspaceId, (sql) =>
      findPreferences(sql, call.workspaceId, person.id),
    );
    return ok(viewOf(person, preferences, version));
  }

  @Put(':user')
  @userParam
  @Operation({
    scope: 'any',
    trail: 'notification_preferences.changed',
    summary: `Say how somebody wants to be told; what is left out is as by default: directory:write. ${who}`,
    body: PreferencesBody,
    answers: { 200: { description: 'The preferences as they now are', schema: preferencesSchema } },
  })
  async put(@Caller() call: Call): Promise<Answer> {
    const person = await this.personOf(call, 'directory:write');
    const preferences = await readPreferences(call);
    const actor = await this.people.actor(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const version = await storePreferences(
        tx,
        call.workspaceId,
        person.id,
        preferences,
        call.expectedVersion,
      );
      if (version === null)
        throw new Problem('version_mismatch', 'The preferences are at another version than If-Match says.');
      const { questions, news } = preferences;
      recordFact(tx, call, actor, {
        type: 'notification_preferences.changed',
        content: { userId: person.id, questions, news, version },
      });
      return ok(viewOf(person, preferences, version));
    });
  }

  /** Whose preferences they are. Throws Problem not_found, or insufficient_scope for somebody else’s. */
  private async personOf(call: Call, scope: Scope): Promise<DirectoryPerson> {
    const isFree = call.has(scope);
    if (!isFree && call.actorRef === null) throw insufficientScope(scope);
    const ref = call.param('user');
    const person = ref === '' ? null : await this.people.find(call.workspaceId, ref, call.cause);
    if (isFree) {
      if (!person) throw Problem.notFound('user');
      return person;
    }
    const actor = await this.people.actor(call);
    if (!person || person.id !== actor?.id) throw insufficientScope(scope);
    return person;
  }
}
