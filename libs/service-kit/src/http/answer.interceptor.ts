import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { EMPTY, mergeMap, type Observable } from 'rxjs';
import type { Answer } from './answer';

export const writeAnswer = (response: Response, { status, headers, body }: Answer): void => {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body ?? undefined);
};

/** Writes the Answer of an HTTP handler as it is. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const response = context.switchToHttp().getResponse<Response>();
    return next.handle().pipe(
      mergeMap((answer: Answer) => {
        if (!response.headersSent) writeAnswer(response, answer);
        return EMPTY;
      }),
    );
  }
}
