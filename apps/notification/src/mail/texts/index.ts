import type { Language } from '@countersign/reader';
import { de } from './de';
import { en } from './en';
import type { MailTexts } from './mail-texts';

export type { MailTexts } from './mail-texts';

/** A language without one of its sentences does not compile. */
export const mailTexts: Readonly<Record<Language, MailTexts>> = { en, de };
