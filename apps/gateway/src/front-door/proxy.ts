import {
  request as send,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { traceIdOf } from '@countersign/messaging';
import { LOG, Problem, type Log } from '@countersign/service-kit';
import { answeredHeaders } from './forwarded-headers';
import type { Upstream } from './upstreams';

export interface Passage {
  upstream: Upstream;
  headers: OutgoingHttpHeaders;
  /** Headers that the gateway adds to the answer. */
  answerHeaders: Record<string, string>;
  /** Called when the service gave no answer; nothing has been written then. */
  refuse: (problem: Problem) => void;
}

/** A service that says nothing for this long after it has the whole call is as good as away, in milliseconds. */
const patienceMs = 60_000;

const unavailable = (service: string): Problem =>
  new Problem('unavailable', `A part of Countersign (${service}) is not reachable right now. Try again.`, {
    headers: { 'retry-after': '1' },
  });

/** Passes calls on to services and their answers back, as streams: nothing is parsed, nothing is held. */
@Injectable()
export class Proxy {
  constructor(@Inject(LOG) private readonly log: Log) {}

  pass(request: IncomingMessage, response: ServerResponse, passage: Passage): void {
    const { upstream, headers, answerHeaders } = passage;
    const { method, url: path, headers: inbound } = request;
    const hasBody = inbound['transfer-encoding'] !== undefined || Number(inbound['content-length'] ?? 0) > 0;
    const { agent, hostname: host, port } = upstream;
    const { socket } = response;
    const outgoing = send({ agent, host, port, method, path, headers, setHost: false });
    let answered = false;
    let silence: NodeJS.Timeout | undefined;

    outgoing.once('finish', () => {
      if (!answered) silence = setTimeout(() => outgoing.destroy(new Error('no answer in time')), patienceMs);
    });
    outgoing.once('response', (answer) => {
      answered = true;
      clearTimeout(silence);
      const named = Object.entries(answerHeaders).flat();
      // Trailers need chunks, which HTTP/1.0 has not.
      const announced = request.httpVersion === '1.0' ? undefined : answer.headers.trailer;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [
        ...answeredHeaders(answer.rawHeaders),
        ...(announced === undefined ? [] : ['trailer', announced]),
        ...named,
      ]);
      // An answer of any length: who waits for it learns that it has begun.
      if (announced !== undefined) response.flushHeaders();
      // Before the pipeline ends the answer.
      answer.once('end', () => {
        if (announced !== undefined) response.addTrailers(answer.trailers as Record<string, string>);
      });
      // A caller that reads until the connection ends (HTTP/1.0) would take a plain end for the end of the answer.
      if (request.httpVersion === '1.0') answer.once('error', () => socket?.resetAndDestroy());
      // An answer that breaks off breaks off for the caller too: never a short one that looks complete.
      pipeline(answer, response, () => undefined);
      answer.once('end', () => {
        // Node.js passes no more `drain` on once an answer is complete: an unfinished body would stop for ever.
        if (!outgoing.writableEnded) outgoing.destroy();
      });
    });
    outgoing.once('close', () => {
      clearTimeout(silence);
      // The rest of a body that nobody wants any more: read on, so that the caller gets to reading the answer.
      request.unpipe(outgoing);
      request.resume();
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      // Once the answer has begun it is the pipeline that notices.
      if (answered || response.destroyed) return;
      // The service closed the idle connection just as we used it: it has seen nothing of the call.
      const unseen = outgoing.reusedSocket && error.code === 'ECONNRESET' && !hasBody && isSafe(method);
      if (unseen) return this.pass(request, response, passage);
      const traceId = traceIdOf(String(passage.headers.traceparent));
      this.log.warn(
        { traceId, service: upstream.service, code: error.code, reason: error.message },
        'no answer',
      );
      passage.refuse(unavailable(upstream.service));
    });
    outgoing.on('error', () => undefined);
    // A caller that leaves takes its call along, before the body is complete or while it waits for the answer.
    request.once('close', () => {
      if (!request.complete) outgoing.destroy();
    });
    response.once('close', () => {
      if (!response.writableFinished) outgoing.destroy();
    });
    if (hasBody) request.pipe(outgoing);
    else outgoing.end();
  }
}

const isSafe = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';
