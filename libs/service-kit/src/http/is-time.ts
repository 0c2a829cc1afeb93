import { applyDecorators } from '@nestjs/common';
import { ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { DateTime } from 'luxon';

/** RFC 3339; what ISO 8601 allows beyond (weeks, bare years, hour 24) is refused. PostgreSQL knows offsets of less than 16 hours. */
const format = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-](0\d|1[0-5]):[0-5]\d)$/;
const earliest = Date.parse('0001-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether a text is a point in time that there is: no 30th of February, and none that is before the year 1 or after 9999 in UTC. */
export const isTime = (value: unknown): boolean => {
  if (typeof value !== 'string' || !format.test(value)) return false;
  const at = DateTime.fromISO(value).toMillis();
  return at >= earliest && at <= latest;
};

const isValid = ValidateBy({
  name: 'isTime',
  validator: {
    validate: isTime,
    defaultMessage: () => '$property must be a time such as 2026-11-21T09:00:00Z',
  },
});

/** A point in time as RFC 3339 says it. */
export const IsTime = (): PropertyDecorator => applyDecorators(isValid, JSONSchema({ format: 'date-time' }));
