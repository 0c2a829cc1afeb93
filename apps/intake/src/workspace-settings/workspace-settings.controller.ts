import { Controller, Get, Inject, Patch } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { isTimezone, languages, type Language } from '@countersign/reader';
import {
  Call,
  Caller,
  ok,
  Operation,
  Problem,
  recordFact,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { settingsView, workspaceSettingsSchema } from './workspace-settings';
import { findSettings, lockSettings, storeSettings } from './workspace-settings.rows';

const isGiven = (_: object, value: unknown): boolean => value !== undefined;

const IsTimezone = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTimezone',
    validator: {
      validate: (value) => typeof value === 'string' && isTimezone(value),
      defaultMessage: () => '$property must be the name of a time zone such as Europe/Berlin',
    },
  });

export class ChangeWorkspaceSettings {
  @ValidateIf(isGiven) @IsIn(languages) language?: Language;
  @ValidateIf(isGiven) @IsTimezone() @IsString() @MaxLength(100) timezone?: string;
  @ValidateIf(isGiven) @IsBoolean() decisionLinks?: boolean;
  @ValidateIf(isGiven) @IsInt() @Min(1) @Max(30) decisionLinkDays?: number;
}

const settingsAnswer = { description: 'The settings as they now are', schema: workspaceSettingsSchema };

@Controller('v1/workspace-settings')
export class WorkspaceSettingsController {
  constructor(
    private readonly database: Database,
    private readonly people: People,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  @Get()
  @Operation({
    scope: 'any',
    summary: 'How people of the workspace are written to',
    answers: { 200: settingsAnswer },
  })
  async get(@Caller() call: Call): Promise<Answer> {
    const settings = await this.database.read(call.workspaceId, (sql) => findSettings(sql, call.workspaceId));
    return ok({ ...settingsView(settings), name: call.identity.workspace.name });
  }

  @Patch()
  @Operation({
    scope: 'admin',
    trail: 'workspace_settings.changed',
    summary: 'Change how people of the workspace are written to; members not given stay as they are',
    body: ChangeWorkspaceSettings,
    answers: { 200: settingsAnswer },
  })
  async change(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(ChangeWorkspaceSettings);
    const person = await this.people.actor(call);
    const { workspaceId, cause, expectedVersion } = call;
    const { name } = call.identity.workspace;
    return this.unitOfWork([workspaceId], async (tx) => {
      const settings = await lockSettings(tx, workspaceId, name);
      if (expectedVersion !== null && expectedVersion !== settings.version)
        throw new Problem('version_mismatch', `The settings are at version ${settings.version}.`);
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const isLanguageSaid = settings.isLanguageSaid || body.language !== undefined;
      // Those that are out stay ended: a link tells by its id when it was made.
      const linksSince = body.decisionLinks && !settings.decisionLinks ? new Date() : settings.linksSince;
      const wanted = { ...settings, ...given, name, isLanguageSaid, linksSince };
      const stored = await storeSettings(tx, workspaceId, wanted);
      const changed = settingsView(stored);
      recordFact(tx, call, person, {
        type: 'workspace_settings.changed',
        content: { changed: Object.keys(given).sort(), version: changed.version },
        words: given,
      });
      tx.publish({ type: 'workspace.described.v1', workspaceId, cause, data: changed });
      return ok(changed);
    });
  }
}
