import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { ServiceName } from '@countersign/contracts';
import { childSpan, traceIdOf } from '@countersign/messaging';
import { identityHeader, LOG, loggedPath, Problem, problemOf, type Log } from '@countersign/service-kit';
import { DocsPages } from '../docs/docs-pages';
import { actorHeader, actorOf } from './actor-header';
import { Authenticator } from './authenticator';
import { schemeOf } from './credentials';
import { forwardedHeaders } from './forwarded-headers';
import { Proxy } from './proxy';
import { RateLimits } from './rate-limits';
import { Readiness } from './readiness';
import { decisionTokenOf, isDecisionPath, openOwner, ownerOf, pathOf } from './routes';
import { Upstreams } from './upstreams';
import { writeProblem } from './write-problem';
import { writeTrouble } from './write-trouble';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const allowed = [...methods, 'OPTIONS'].join(', ');

/** A call on its way to its service. */
interface Onward {
  /** Absent where the call needs no key. */
  identity?: string;
  traceparent: string;
  /** Headers that the gateway adds to the answer. */
  answerHeaders: Record<string, string>;
  refuse: (problem: Problem) => void;
}

/**
 * Where every call comes in: authenticates it, counts it, and passes it on to the service that owns its path, or to the
 * gateway's own controllers. Only health, OPTIONS, the documentation and the schema of definitions, which hold no data,
 * need no key; nor do the pages of decision links, whose paths are keys of their own.
 */
@Injectable()
export class FrontDoor {
  constructor(
    @Inject(LOG) private readonly log: Log,
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
    private readonly upstreams: Upstreams,
    private readonly proxy: Proxy,
    private readonly readiness: Readiness,
    private readonly docs: DocsPages,
  ) {}

  /** Answers a call; `inner` lets the gateway's own controllers do it. */
  open(request: IncomingMessage, response: ServerResponse, inner: () => void): void {
    const path = pathOf(request.url ?? '/');
    const inbound = String(request.headers.traceparent ?? '');
    const traceparent = traceIdOf(inbound) ? inbound : childSpan(null);
    const refuse = (problem: Problem, headers?: Record<string, string>): void => {
      if (response.headersSent) return;
      if (isDecisionPath(path)) return writeTrouble(request, response, problem);
      writeProblem(response, problem, path, traceIdOf(traceparent), headers);
    };
    const answer =
      request.method === 'OPTIONS' ? this.options(response) : this.public(request, path, response);
    (answer ?? this.admit(request, response, traceparent, refuse, inner)).catch((error: unknown) => {
      const problem = problemOf(error);
      // A Problem was meant, such as not being ready yet; what nobody expected is worth a line.
      if (problem.status >= 500 && !(error instanceof Problem))
        this.log.error(
          { err: error, path: loggedPath(path), traceId: traceIdOf(traceparent) },
          'call failed',
        );
      refuse(problem);
    });
  }

  private async options(response: ServerResponse): Promise<void> {
    response.writeHead(204, { allow: allowed }).end();
  }

  private public(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> | null {
    if (request.method !== 'GET' && request.method !== 'HEAD') return null;
    if (path === '/healthz') return this.health(response, []);
    if (path === '/readyz') return this.readiness.missing().then((missing) => this.health(response, missing));
    const page = this.docs.find(path);
    return page ? page(request, response) : null;
  }

  private async health(response: ServerResponse, missing: string[]): Promise<void> {
    if (missing.length > 0) {
      throw new Problem('unavailable', `Not ready: ${missing.join(', ')}.`, {
        headers: { 'retry-after': '1' },
      });
    }
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end('{"status":"ready"}');
  }

  private async admit(
    request: IncomingMessage,
    response: ServerResponse,
    traceparent: string,
    refuse: (problem: Problem, headers?: Record<string, string>) => void,
    inner: () => void,
  ): Promise<void> {
    const path = pathOf(request.url ?? '');
    const open = openOwner(request.method, path);
    // A browser that is told of keys asks the person for a password.
    if (!open && isDecisionPath(path)) throw Problem.notFound('page');
    const remoteAddress = request.socket.remoteAddress ?? '';
    const token = decisionTokenOf(path);
    if (open && token !== null) await this.limits.visit(remoteAddress, token);
    if (open) return this.pass(request, response, open, { traceparent, answerHeaders: {}, refuse });
    const key = await this.authenticator.authenticate(request.headers.authorization, remoteAddress);
    const quota = await this.limits.call(key.identity.key.id);
    try {
      if (!methods.has(request.method ?? '')) {
        throw new Problem('method_not_allowed', `There is no ${request.method} here.`, {
          headers: { allow: allowed },
        });
      }
      const owner = ownerOf(request.url ?? '');
      if (!owner) throw Problem.notFound('resource');
      const identity = await this.authenticator.vouch(
        key,
        actorOf(request.headers[actorHeader]),
        schemeOf(request.headers.authorization),
      );
      if (owner === 'gateway') {
        for (const [name, value] of Object.entries(quota)) response.setHeader(name, value);
        request.headers[identityHeader] = identity;
        request.headers.traceparent = traceparent;
        return inner();
      }
      this.pass(request, response, owner, {
        identity,
        traceparent,
        answerHeaders: quota,
        refuse: (problem) => refuse(problem, quota),
      });
    } catch (error) {
      refuse(problemOf(error), quota);
    }
  }

  private pass(
    request: IncomingMessage,
    response: ServerResponse,
    owner: ServiceName,
    { identity, traceparent, answerHeaders, refuse }: Onward,
  ): void {
    const upstream = this.upstreams.get(owner);
    if (!upstream)
      throw new Problem('unavailable', `This deployment has no ${owner}.`, {
        headers: { 'retry-after': '60' },
      });
    const remoteAddress = request.socket.remoteAddress ?? '';
    const headers = forwardedHeaders(request.headers, {
      host: upstream.host,
      identity,
      traceparent,
      remoteAddress,
    });
    this.proxy.pass(request, response, { upstream, headers, answerHeaders, refuse });
  }
}
