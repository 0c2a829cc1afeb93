import type { Headers } from './problem';

/** What a handler answers: rendered once, so that a replay of it is the same bytes. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Already serialised; null for no content. */
  body: string | null;
  /** In place of `body`, for what is no text; never of a POST, whose answer may have to be kept. */
  bytes?: Buffer;
  /** In place of `body`, for what is made while it is sent; never of a POST. */
  stream?: AnswerStream;
  /** Holds a secret: kept encrypted when it has to be kept. */
  secret?: boolean;
}

/** A body of any length. When it cannot be made to its end, the answer is cut off, never ended as if it were complete. */
export interface AnswerStream {
  /** Asked for the next piece when the caller has taken the ones before. */
  chunks: AsyncIterable<Buffer>;
  /** Fields that follow the body (RFC 9110 §6.5), asked for after the last piece. */
  trailers: () => Record<string, string>;
  /** Names of the fields that will follow. */
  trailerNames: readonly string[];
  /** Cuts the answer off. */
  signal: AbortSignal;
  /** Called once when it is over, in whatever way. */
  ended: () => void;
}

const json = 'application/json; charset=utf-8';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': json, ...headers },
  body: JSON.stringify(body),
});

const etagOf = (body: unknown): Record<string, string> =>
  typeof body === 'object' && body !== null && 'version' in body && typeof body.version === 'number'
    ? { etag: `"${body.version}"` }
    : {};

export const ok = (body: unknown, headers: Record<string, string> = {}): Answer =>
  answer(200, body, { ...etagOf(body), ...headers });

export const created = (location: string, body: unknown, headers: Record<string, string> = {}): Answer =>
  answer(201, body, { ...etagOf(body), location, ...headers });

export const accepted = (location: string, body: unknown): Answer => answer(202, body, { location });

export const noContent = (): Answer => ({ status: 204, headers: {}, body: null });

/** Any other content, such as YAML or text. */
export const content = (mediaType: string, body: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: { 'content-type': mediaType, ...headers },
  body,
});

/** A file, such as an archive. */
export const file = (mediaType: string, name: string, bytes: Buffer): Answer => ({
  status: 200,
  headers: {
    'content-type': mediaType,
    'content-disposition': `attachment; filename="${name}"`,
    'content-length': String(bytes.length),
  },
  body: null,
  bytes,
});

/** A body that is made while it is sent. */
export const streamed = (
  mediaType: string,
  stream: AnswerStream,
  headers: Record<string, string>,
): Answer => ({
  status: 200,
  headers: { 'content-type': mediaType, ...headers },
  body: null,
  stream,
});
