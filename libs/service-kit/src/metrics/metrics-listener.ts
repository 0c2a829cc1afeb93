import { createServer } from 'node:http';
import type { Registry } from 'prom-client';

/**
 * A port of its own for `GET /metrics`, for a service whose other port is open to everybody. Closing it drops its
 * connections; a scrape that is cut is only made again.
 */
export const listenForScrapes = async (
  registry: Registry,
  at: { port: number; host: string },
): Promise<() => Promise<void>> => {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
};
