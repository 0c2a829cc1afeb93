import type { IncomingMessage } from 'node:http';
import { Problem } from './problem';

/** Reads a request's body, at most `limit` bytes. Throws Problem payload_too_large. */
export const readBody = (request: IncomingMessage, limit: number): Promise<Buffer> => {
  const tooLarge = () => new Problem('payload_too_large', `The body may have at most ${limit} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.removeAllListeners('data');
        request.resume();
        reject(tooLarge());
      } else {
        chunks.push(chunk);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('aborted', () => reject(new Problem('malformed_json', 'The body ended early.')));
  });
};
