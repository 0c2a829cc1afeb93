import { ValidateBy } from 'class-validator';

/** Blanks around a text do not count among its characters. */
export const HasText = (least = 1): PropertyDecorator =>
  ValidateBy({
    name: 'hasText',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && value.trim().length >= least,
      defaultMessage: () =>
        least > 1
          ? `$property must have ${least} characters or more beside blanks around them`
          : '$property must say something',
    },
  });
