import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { catchError, from, type Observable } from 'rxjs';
import type { CallRequest } from '../http/operation';
import { Problem } from '../http/problem';
import type { Idempotency } from './idempotency';

/** Answers a repeated POST that is refused by now as it was answered the first time (product §3, Idempotency). */
export class ReplayInterceptor implements NestInterceptor {
  constructor(private readonly idempotency: Idempotency) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const { call } = context.switchToHttp().getRequest<CallRequest>();
    if (call?.method !== 'POST') return next.handle();
    return next.handle().pipe(
      catchError((error: unknown) =>
        from(
          (async () => {
            const answer =
              error instanceof Problem ? await this.idempotency.answered(call).catch(() => null) : null;
            if (answer) return answer;
            throw error;
          })(),
        ),
      ),
    );
  }
}
