import 'reflect-metadata';
import type { Violation } from '@countersign/contracts';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { Problem } from './problem';

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const violationsOf = (errors: ValidationError[], base: string): Violation[] =>
  errors.flatMap((error) => {
    const pointer = `${base}/${escape(error.property)}`;
    const own = Object.entries(error.constraints ?? {}).map(([rule, text]) => ({
      pointer,
      message: rule === 'whitelistValidation' ? 'There is no such member.' : sentence(text),
    }));
    return [...own, ...violationsOf(error.children ?? [], pointer)];
  });

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Checks a plain value against a class of class-validator rules; members that the class lacks are violations. Throws Problem validation_failed with all of them. */
export const validate = <T extends object>(type: new () => T, value: unknown, base = ''): T => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw Problem.invalid([{ pointer: base, message: 'An object is expected.' }]);
  }
  const instance = plainToInstance(type, value, { exposeDefaultValues: true });
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    // The class is ours; one without members refuses every member by the two rules above.
    forbidUnknownValues: false,
  });
  if (errors.length > 0) throw Problem.invalid(violationsOf(errors, base));
  return instance;
};
