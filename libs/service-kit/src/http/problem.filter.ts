import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isDataException, isTransientFault } from '@countersign/persistence';
import { traceIdOf } from '@countersign/messaging';
import type { Response } from 'express';
import { throwError } from 'rxjs';
import type { Log } from '../log';
import { loggedPath } from './logged-path';
import type { CallRequest } from './operation';
import { Problem, renderProblem } from './problem';

/** The problem that an error is to the caller; what we do not know is ours and says nothing. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (isTransientFault(error)) {
    return new Problem('unavailable', 'A part of Countersign is not reachable right now. Try again.', {
      headers: { 'retry-after': '1' },
    });
  }
  if (isDataException(error)) return new Problem('validation_failed', 'A value of the call is out of range.');
  if (error instanceof HttpException && error.getStatus() === 404) return Problem.notFound('resource');
  if (error instanceof URIError || (error instanceof HttpException && error.getStatus() === 400))
    return Problem.notFound('resource');
  return new Problem('internal_error', 'Something went wrong here. The trace id helps us to find it.');
};

/** Errors of HTTP handlers become problems; those of message handlers stay what they are, for retries and dead letters. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    if (host.getType() !== 'http') return throwError(() => error);
    const http = host.switchToHttp();
    const request = http.getRequest<CallRequest>();
    const response = http.getResponse<Response>();
    const problem = problemOf(error);
    const traceId = request.call?.traceId ?? traceIdOf(request.header('traceparent'));
    // A Problem of ours was meant; only what nobody expected is worth a line.
    if (problem.status >= 500 && !(error instanceof Problem))
      this.log.error({ err: error, traceId, path: loggedPath(request.path) }, 'call failed');
    if (response.headersSent) return response.destroy();
    const { status, headers, body } = renderProblem(problem, request.path, traceId);
    response.status(status);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    return response.end(body);
  }
}
