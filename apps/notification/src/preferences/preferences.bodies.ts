import { Problem, validate, type Call } from '@countersign/service-kit';
import type { Violation } from '@countersign/contracts';
import { Type } from 'class-transformer';
import { IsIn, IsObject, Matches, ValidateIf, ValidateNested } from 'class-validator';
import {
  defaultPreferences,
  newsChannels,
  questionChannels,
  type NewsChannel,
  type Preferences,
  type QuestionChannel,
  type WorkflowPreferences,
} from './preferences';

const isGiven = (_: object, value: unknown): boolean => value !== undefined;
const isThere = (_: object, value: unknown): boolean => value !== undefined && value !== null;
const IsTimeOfDay = () =>
  Matches(/^([01]\d|2[0-3]):[0-5]\d$/, { message: '$property must be a time of day such as 08:00' });

export class DigestBody {
  @IsTimeOfDay() at: string;
}

export class QuietHoursBody {
  @IsTimeOfDay() from: string;
  @IsTimeOfDay() to: string;
}

export class WorkflowPreferencesBody {
  /** Where questions go, which ask for a decision. */
  @ValidateIf(isGiven) @IsIn(questionChannels) questions?: QuestionChannel;
  /** Where everything else goes. */
  @ValidateIf(isGiven) @IsIn(newsChannels) news?: NewsChannel;
  /** Gathers mails until this time of day of the person; null for none. */
  @ValidateIf(isThere) @ValidateNested() @Type(() => DigestBody) digest?: DigestBody | null;
}

export class PreferencesBody extends WorkflowPreferencesBody {
  /** Mails wait until they end; null for none. */
  @ValidateIf(isThere) @ValidateNested() @Type(() => QuietHoursBody) quietHours?: QuietHoursBody | null;
  /** What is different for some workflows, by their keys. */
  @ValidateIf(isGiven) @IsObject() workflows?: Record<string, WorkflowPreferencesBody>;
}

const mostWorkflows = 200;
const workflowKey = /^[\w.-]{1,100}$/;

const given = (body: WorkflowPreferencesBody): Partial<WorkflowPreferences> =>
  Object.fromEntries(
    (['questions', 'news', 'digest'] as const)
      .filter((name) => body[name] !== undefined)
      .map((name) => [name, body[name]]),
  );

/** The whole of somebody's preferences: what is left out is as by default. Throws Problem validation_failed. */
export const readPreferences = async (call: Call): Promise<Preferences> => {
  const body = await call.body(PreferencesBody);
  const entries = Object.entries(body.workflows ?? {});
  const violations: Violation[] = [];
  if (entries.length > mostWorkflows)
    violations.push({ pointer: '/workflows', message: `At most ${mostWorkflows} workflows.` });
  const workflows = entries.map(([key, value]) => {
    const pointer = `/workflows/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!workflowKey.test(key)) violations.push({ pointer, message: 'This is no key of a workflow.' });
    try {
      return [key, given(validate(WorkflowPreferencesBody, value, pointer))] as const;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      violations.push(...(error.extra.errors ?? []));
      return [key, {}] as const;
    }
  });
  const { quietHours } = body;
  if (quietHours && quietHours.from === quietHours.to)
    violations.push({
      pointer: '/quietHours/to',
      message: 'Quiet hours must end at another time than they begin.',
    });
  if (violations.length > 0) throw Problem.invalid(violations);
  return {
    ...defaultPreferences,
    ...given(body),
    quietHours: quietHours ?? null,
    workflows: Object.fromEntries(workflows),
  };
};
