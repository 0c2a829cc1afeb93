import { ExpressAdapter } from '@nestjs/platform-express';
import type { Response } from 'express';
import type { Answer } from './answer';
import { writeStream } from './write-stream';

export const writeAnswer = (response: Response, { status, headers, body, bytes, stream }: Answer): void => {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (stream) return void writeStream(response, stream);
  response.end(bytes ?? body ?? undefined);
};

/** Express, with handlers that answer an Answer: written as it is, so that a replay is the same bytes. */
export class AnswerAdapter extends ExpressAdapter {
  override reply(response: Response, answer: Answer): void {
    if (!response.headersSent) writeAnswer(response, answer);
  }
}
