import { isUuid, type Scope } from '@countersign/contracts';
import { childSpan, traceIdOf, type Cause } from '@countersign/messaging';
import type { Request } from 'express';
import { v7 } from 'uuid';
import type { Identity } from './identity';
import { Problem } from './problem';
import { readBody } from './read-body';
import { validate } from './validate';

/** Bodies of product §3, in bytes. */
export const bodyLimit = 1024 * 1024;
export const scimBodyLimit = 8 * 1024 * 1024;

/**
 * One HTTP call as a handler sees it. Parts of it are checked when the handler asks for them, so that
 * refusals come in the order of product §3: 404 before 400 before 422.
 */
export class Call {
  readonly cause: Cause;
  private bytes: Promise<Buffer> | undefined;

  constructor(
    private readonly request: Request,
    readonly identity: Identity,
  ) {
    this.cause = {
      correlationId: v7(),
      causationId: null,
      traceparent: childSpan(this.header('traceparent')),
    };
  }

  get workspaceId(): string {
    return this.identity.workspace.id;
  }

  get traceId(): string | null {
    return traceIdOf(this.cause.traceparent);
  }

  get method(): string {
    return this.request.method;
  }

  get path(): string {
    return this.request.path;
  }

  /** The ref in `Countersign-Actor`; null when the key acts for itself. */
  get actorRef(): string | null {
    return this.identity.actor;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  has(scope: Scope): boolean {
    const { scopes } = this.identity.key;
    return scopes.includes(scope) || scopes.includes('admin');
  }

  /** A path parameter that is an id; a malformed one is no object of ours: 404. */
  id(what: string, name = 'id'): string {
    const value = this.param(name);
    if (!isUuid(value)) throw Problem.notFound(what);
    return value.toLowerCase();
  }

  param(name: string): string {
    const value = this.request.params[name];
    // Nothing of ours has such a name, and the database would not take it.
    return typeof value === 'string' && !value.includes('\0') ? value : '';
  }

  /** The query checked against a class; unknown parameters are refused. */
  query<T extends object>(type: new () => T): T {
    const query = { ...this.request.query };
    const bad = Object.keys(query).filter((name) => `${name}${String(query[name])}`.includes('\0'));
    if (bad.length > 0)
      throw Problem.invalid(
        bad.map((name) => ({ pointer: `/query/${name}`, message: 'May not contain U+0000.' })),
      );
    return validate(type, query, '/query');
  }

  /** The version that `If-Match` asks for (RFC 9110 §13.1.1); null without one or for `*`. */
  get expectedVersion(): number | null {
    const header = this.header('if-match');
    if (header === undefined || header.trim() === '*') return null;
    const match = /^\s*(?:W\/)?"(\d{1,9})"\s*$/.exec(header);
    // A tag that we never gave out matches nothing.
    return match?.[1] ? Number(match[1]) : -1;
  }

  /** Whether `If-Match` allows a change of what has this entity tag; without one, and for `*`, any. Weakness is overlooked. */
  matches(etag: string): boolean {
    const header = this.header('if-match');
    if (header === undefined || header.trim() === '*') return true;
    return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  }

  rawBody(limit = bodyLimit): Promise<Buffer> {
    return (this.bytes ??= readBody(this.request, limit));
  }

  mediaType(): string {
    return (this.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  }

  /** The body as JSON; an absent one is `undefined`. */
  async json(limit = bodyLimit): Promise<unknown> {
    const bytes = await this.rawBody(limit);
    if (bytes.length === 0) return undefined;
    if (!/^application\/([a-z0-9.+-]+\+)?json$/.test(this.mediaType())) {
      throw new Problem('unsupported_media_type', 'The body must be application/json.');
    }
    const text = textOf(bytes);
    try {
      // Looking at every member takes long, and only a text with these in it can hold what we refuse.
      const value: unknown = /__proto__|\\u/.test(text) ? JSON.parse(text, refuseHostile) : JSON.parse(text);
      if (isDeeper(value, deepest))
        throw new Problem('malformed_json', `The body is nested more than ${deepest} levels deep.`);
      return value;
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem('malformed_json', 'The body is not valid JSON.');
    }
  }

  /** The body as text, for what is not JSON. */
  async text(): Promise<string> {
    const text = textOf(await this.rawBody());
    if (text.includes('\0')) throw new Problem('validation_failed', 'A text may not contain U+0000.');
    return text;
  }

  /** The body checked against a class; an absent body counts as `{}`, so that what is missing is named. */
  async body<T extends object>(type: new () => T): Promise<T> {
    return validate(type, (await this.json()) ?? {});
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON is UTF-8 (RFC 8259 §8.1); bytes that are not would change what was meant. */
const textOf = (bytes: Buffer): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem('malformed_json', 'The body is not valid UTF-8.');
  }
};

/** Deeper bodies mean nothing to us, and much of what handles JSON recurses. */
const deepest = 64;

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1)));

/** Text that PostgreSQL can store (no U+0000) and RFC 8785 can write (no lone surrogates). */
const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** `__proto__` as a member would change what other code sees of the object. */
const refuseHostile = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw new Problem('malformed_json', 'A member may not be named __proto__.');
  if (!isStorable(key) || (typeof value === 'string' && !isStorable(value))) {
    throw new Problem('malformed_json', 'A text may not contain U+0000 or half of a surrogate pair.');
  }
  return value;
};
