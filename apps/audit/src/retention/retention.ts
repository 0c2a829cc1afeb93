import { Problem } from '@countersign/service-kit';
import type { Violation } from '@countersign/contracts';

/** How long a workspace keeps what: ISO 8601 durations of whole days; null: for ever. */
export interface Retention {
  default: string | null;
  /** By key of the workflow, where it is another. */
  workflows: Record<string, string | null>;
}

/** Nobody who mistypes loses what happened a moment ago. */
export const shortestDays = 30;
const longestYears = 100;
const mostWorkflows = 1_000;
const duration = /^P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;

/** Days of a duration, at the least; null for what is none. */
export const daysOf = (text: string): number | null => {
  const match = duration.exec(text);
  if (!match) return null;
  const [years = 0, months = 0, weeks = 0, days = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return years * 365 + months * 28 + weeks * 7 + days;
};

const violationOf = (pointer: string, value: unknown): Violation[] => {
  if (value === null) return [];
  const days = typeof value === 'string' ? daysOf(value) : null;
  if (days === null)
    return [
      {
        pointer,
        message: 'Must be an ISO 8601 duration of years, months, weeks or days such as P7Y, or null.',
      },
    ];
  if (days < shortestDays) return [{ pointer, message: `Must be ${shortestDays} days or more.` }];
  if (days > longestYears * 366) return [{ pointer, message: `Must be ${longestYears} years at most.` }];
  return [];
};

/** Throws Problem validation_failed. */
export const checkRetention = (keep: unknown, workflows: unknown): Retention => {
  const isObject = typeof workflows === 'object' && workflows !== null && !Array.isArray(workflows);
  const entries = isObject ? Object.entries(workflows) : [];
  const violations = [
    ...(keep === undefined
      ? [{ pointer: '/default', message: 'Default is required.' }]
      : violationOf('/default', keep)),
    ...(isObject || workflows === undefined
      ? []
      : [{ pointer: '/workflows', message: 'An object is expected.' }]),
    ...(entries.length > mostWorkflows
      ? [{ pointer: '/workflows', message: `At most ${mostWorkflows}.` }]
      : []),
    ...entries.flatMap(([key, value]) =>
      violationOf(`/workflows/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, value),
    ),
  ];
  if (violations.length > 0) throw Problem.invalid(violations);
  return {
    default: keep as string | null,
    workflows: Object.fromEntries(entries) as Record<string, string | null>,
  };
};
