// @ts-check
import { createServer } from 'node:http';

/**
 * The way in of a peer that has none of its own: `POST /requests` and `POST /tasks/<id>`, as the floor has them.
 *
 * @param {object} handlers
 * @param {(body: { amount: number, hook: string }) => Promise<string>} handlers.submit answers the request's id
 * @param {(taskId: string) => Promise<void>} handlers.decide
 */
export function serveLifecycle({ submit, decide }) {
  const server = createServer((incoming, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', async () => {
      try {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
        const task = /^\/tasks\/([^/]+)$/.exec(incoming.url ?? '')?.[1];
        const answer = task ? await decide(task) : { id: await submit(body) };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(answer ?? {}));
      } catch (error) {
        console.error(error);
        response.statusCode = 500;
        response.end();
      }
    });
  });
  listen(server);
}

/**
 * Prints the port, and ends with whoever started this process.
 *
 * @param {import('node:net').Server} server
 */
export function listen(server) {
  server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    console.log(port);
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
}
