import type { ServerResponse } from 'node:http';
import { renderProblem, type Problem } from '@countersign/service-kit';

/** Writes a refusal of the gateway's own. `headers` are those that every answer to this call has. */
export const writeProblem = (
  response: ServerResponse,
  problem: Problem,
  path: string,
  traceId: string | null,
  headers: Record<string, string> = {},
): void => {
  const rendered = renderProblem(problem, path, traceId);
  response.writeHead(rendered.status, {
    ...headers,
    ...rendered.headers,
    'content-length': Buffer.byteLength(rendered.body),
  });
  response.end(rendered.body);
};
