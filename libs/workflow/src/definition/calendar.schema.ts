import { weekdays } from './workflow-definition';

const span = {
  type: 'string',
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
  'x-expected': 'Must be a span of one day, such as 09:00-17:30; the last one may end at 24:00.',
};

const day = {
  type: 'array',
  maxItems: 12,
  items: span,
  description: 'Spans such as 09:00-12:00; none: a free day.',
};

/** JSON Schema of a calendar of working time. */
export const calendarSchema = {
  description: 'Working time: durations of a stage that names this calendar count it only.',
  type: 'object',
  required: ['timeZone', 'weekly'],
  additionalProperties: false,
  properties: {
    timeZone: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'IANA name, such as Europe/Berlin.',
    },
    weekly: {
      description: 'Working hours by weekday in local time. A weekday that is left out is free.',
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      properties: Object.fromEntries(weekdays.map((weekday) => [weekday, day])),
    },
    holidays: {
      description: 'Days without work, such as 2026-12-25.',
      type: 'array',
      maxItems: 1000,
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
        'x-expected': 'Must be a date, such as 2026-12-25.',
      },
    },
  },
};
