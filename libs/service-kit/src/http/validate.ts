import 'reflect-metadata';
import type { Violation } from '@countersign/contracts';
import { plainToInstance } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { validateSync, type ValidationError } from 'class-validator';
import { Problem } from './problem';

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const violationsOf = (errors: ValidationError[], base: string): Violation[] =>
  errors.flatMap((error) => {
    const pointer = `${base}/${escape(error.property)}`;
    const own = error.constraints ? [{ pointer, message: messageOf(error, error.constraints) }] : [];
    return [...own, ...violationsOf(error.children ?? [], pointer)];
  });

/**
 * Of several rules that a member breaks only the first that is declared: what is no text has no length to speak of.
 * Decorators are applied from the last to the first.
 */
const messageOf = ({ value, property }: ValidationError, broken: Record<string, string>): string => {
  if (broken.whitelistValidation !== undefined) return 'There is no such member.';
  if (value === undefined) return sentence(`${property} is required`);
  return sentence(Object.values(broken).at(-1) ?? '');
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/**
 * An instance with the members as they are: only those with `@Type` are transformed, since class-transformer would
 * rebuild everything below a member and lose what it does not like (`toString`, `constructor`).
 */
const instanceOf = <T extends object>(type: new () => T, value: object): T => {
  const isTyped = ([name]: [string, unknown]) =>
    defaultMetadataStorage.findTypeMetadata(type, name) !== undefined;
  const members = Object.entries(value);
  const typed = Object.fromEntries(members.filter(isTyped));
  const instance = plainToInstance(type, typed, { exposeDefaultValues: true });
  return Object.assign(instance, Object.fromEntries(members.filter((member) => !isTyped(member))));
};

/** Checks a plain value against a class of class-validator rules; members that the class lacks are violations. Throws Problem validation_failed with all of them. */
export const validate = <T extends object>(type: new () => T, value: unknown, base = ''): T => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw Problem.invalid([{ pointer: base, message: 'An object is expected.' }]);
  }
  // As own members these would hide what the rules are found by.
  const inherited = Object.keys(value).filter((name) => name in Object.prototype);
  if (inherited.length > 0) {
    throw Problem.invalid(
      inherited.map((name) => ({ pointer: `${base}/${escape(name)}`, message: 'There is no such member.' })),
    );
  }
  const instance = instanceOf(type, value);
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    // The class is ours; one without members refuses every member by the two rules above.
    forbidUnknownValues: false,
  });
  if (errors.length > 0) throw Problem.invalid(violationsOf(errors, base));
  return instance;
};
