/** What a log line says of an error. */
export interface ShownError {
  name: string;
  message: string;
  code?: string;
  table?: string;
  column?: string;
  constraint?: string;
  stack?: string;
  cause?: unknown;
  errors?: unknown[];
}

/** Causes of causes that are shown. */
const deepest = 5;
/** Of errors in one. */
const mostInside = 10;

/**
 * SQLSTATE classes whose messages quote what somebody typed: data exceptions, and what a function raises. The others
 * quote names of our own (PostgreSQL manual, appendix A).
 */
const quotesValues = /^(22|P0)/;

const isOfPostgres = (error: Error): error is Error & { code: string } =>
  'code' in error && typeof error.code === 'string' && 'severity' in error;

const messageOf = (error: Error): string =>
  // From the first quotation mark to the last: a value may have some itself.
  isOfPostgres(error) && quotesValues.test(error.code)
    ? error.message.replace(/".*"/s, '"…"')
    : error.message;

const stackOf = ({ stack }: Error): string | undefined => {
  const frames = stack?.search(/\n\s+at /) ?? -1;
  return frames < 0 ? undefined : stack?.slice(frames + 1);
};

/**
 * An error as a log may hold it: what went wrong and where, without values. PostgreSQL puts a whole row into `detail`
 * and more into `where`, TypeORM adds the statement with its parameters.
 */
export const shownError = (error: unknown, depth = 0): ShownError | string => {
  if (!(error instanceof Error)) return String(error);
  const { name } = error;
  const message = messageOf(error);
  const frames = stackOf(error);
  const named = (key: 'code' | 'table' | 'column' | 'constraint') => {
    const value: unknown = key in error ? error[key as keyof Error] : undefined;
    return typeof value === 'string' ? { [key]: value } : {};
  };
  return {
    name,
    message,
    ...named('code'),
    ...named('table'),
    ...named('column'),
    ...named('constraint'),
    ...(frames === undefined ? {} : { stack: `${name}: ${message}\n${frames}` }),
    ...(error.cause === undefined || depth === deepest ? {} : { cause: shownError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && depth < deepest
      ? { errors: error.errors.slice(0, mostInside).map((one) => shownError(one, depth + 1)) }
      : {}),
  };
};
