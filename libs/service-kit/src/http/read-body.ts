import type { IncomingMessage } from 'node:http';
import { Problem } from './problem';

/** Reads a request's body, at most `limit` bytes. Throws Problem payload_too_large, or unsupported_media_type for one that is compressed. */
export const readBody = (request: IncomingMessage, limit: number): Promise<Buffer> => {
  const tooLarge = () => new Problem('payload_too_large', `The body may have at most ${limit} bytes.`);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    const detail = `The body must be sent as it is, without Content-Encoding: ${encoding}.`;
    // RFC 9110 §15.5.16: says which codings would do.
    const headers = { 'accept-encoding': 'identity' };
    return Promise.reject(new Problem('unsupported_media_type', detail, { headers }));
  }
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
