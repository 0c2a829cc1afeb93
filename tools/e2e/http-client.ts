import { request, type Dispatcher } from 'undici';

export interface CallOptions {
  /** Another key than the caller's; null for none. */
  key?: string | null;
  actor?: string;
  idempotencyKey?: string;
  headers?: Record<string, string>;
  /** Media type of a body that is sent as it is; without one the body is JSON. */
  type?: string;
  signal?: AbortSignal;
}

export interface HttpAnswer<Body = Json> {
  status: number;
  headers: Record<string, string>;
  /** Parsed when it is JSON of any kind. */
  body: Body;
  text: string;
}

export type Json = Record<string, unknown>;

/** RFC 9457, as product §3 says it. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  traceId: string;
  errors?: { pointer: string; message: string }[];
}

export interface Page<Item = Json> {
  data: Item[];
  nextCursor: string | null;
}

/** Calls the API as one key and, perhaps, one person. Any status is an answer; only a broken connection throws. */
export class HttpClient {
  constructor(
    readonly origin: string,
    private readonly defaults: { agent: Dispatcher; key: string | null; actor?: string },
  ) {}

  /** The same key, acting for a person. */
  as(actor: string): HttpClient {
    return new HttpClient(this.origin, { ...this.defaults, actor });
  }

  get<Body = Json>(path: string, options?: CallOptions): Promise<HttpAnswer<Body>> {
    return this.call('GET', path, undefined, options);
  }

  post<Body = Json>(path: string, body?: unknown, options?: CallOptions): Promise<HttpAnswer<Body>> {
    return this.call('POST', path, body, options);
  }

  put<Body = Json>(path: string, body?: unknown, options?: CallOptions): Promise<HttpAnswer<Body>> {
    return this.call('PUT', path, body, options);
  }

  patch<Body = Json>(path: string, body?: unknown, options?: CallOptions): Promise<HttpAnswer<Body>> {
    return this.call('PATCH', path, body, options);
  }

  delete<Body = Json>(path: string, options?: CallOptions): Promise<HttpAnswer<Body>> {
    return this.call('DELETE', path, undefined, options);
  }

  async call<Body = Json>(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<HttpAnswer<Body>> {
    const { agent } = this.defaults;
    const key = options.key === undefined ? this.defaults.key : options.key;
    const actor = options.actor ?? this.defaults.actor;
    const sent = options.type ? (body as string | Buffer) : JSON.stringify(body);
    const answer = await request(`${this.origin}${path}`, {
      dispatcher: agent,
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(actor ? { 'countersign-actor': actor } : {}),
        ...(options.idempotencyKey ? { 'idempotency-key': options.idempotencyKey } : {}),
        ...(body === undefined ? {} : { 'content-type': options.type ?? 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: sent }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    const text = await answer.body.text();
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
    );
    const isJson = /[/+]json\b/.test(headers['content-type'] ?? '');
    return {
      status: answer.statusCode,
      headers,
      text,
      body: (isJson && text ? JSON.parse(text) : undefined) as Body,
    };
  }
}

/** The body of an answer that must have this status; says what came instead. */
export function expectStatus<Body>(answer: HttpAnswer<Body>, status: number): Body {
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 1_000)}`);
  return answer.body;
}
