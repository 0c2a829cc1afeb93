import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { AnswerStream } from './answer';

/**
 * Sends a body piece by piece, no faster than the caller takes it. A caller that hangs up ends the making of it. What fails is
 * cut off; with a reset for who reads until the connection ends (HTTP/1.0), and would take a plain end for that of the body.
 */
export const writeStream = async (
  response: ServerResponse,
  { chunks, trailers, trailerNames, signal, ended }: AnswerStream,
): Promise<void> => {
  // Trailers need chunks, which HTTP/1.0 has not.
  const isChunked = response.req.httpVersion !== '1.0';
  const follow = isChunked && trailerNames.length > 0;
  if (follow) response.setHeader('trailer', trailerNames.join(', '));
  const cut = () => {
    if (!isChunked) response.socket?.resetAndDestroy();
    response.destroy();
  };
  signal.addEventListener('abort', cut);
  try {
    signal.throwIfAborted();
    // The caller learns at once that it goes on, however long the first piece takes.
    response.flushHeaders();
    await pipeline(chunks, response, { end: false });
    if (follow) response.addTrailers(trailers());
    response.end();
  } catch {
    cut();
  } finally {
    signal.removeEventListener('abort', cut);
    ended();
  }
};
