import { randomUUID } from 'node:crypto';
import type { RequestView } from '@countersign/contracts';
import { pause } from './eventually';
import type { HttpAnswer, HttpClient, Json, ProblemBody } from './http-client';

/** How a caller is to behave who wants its call to be carried out once, whatever it meets on the way. */
const callTimeoutMs = 15_000;
const againMs = 250;

/** What is to be tried again with the same Idempotency-Key: nobody answered, or nobody could say. */
const isPassing = ({ status, body }: HttpAnswer<unknown>): boolean =>
  status >= 500 ||
  status === 429 ||
  (status === 409 && (body as ProblemBody | undefined)?.code === 'idempotency_in_progress');

interface Command extends Json {
  id: string;
  state: 'pending' | 'done' | 'refused';
  request?: RequestView;
  problem?: ProblemBody;
}

/** Posts until there is an answer that is final; a command answered by 202 is followed to its end. */
export async function persistentPost(
  client: HttpClient,
  path: string,
  body: unknown,
  giveUpAt: number,
): Promise<HttpAnswer<RequestView>> {
  const idempotencyKey = randomUUID();
  const answer = await persist(giveUpAt, () =>
    client.post<RequestView>(path, body, { idempotencyKey, signal: AbortSignal.timeout(callTimeoutMs) }),
  );
  return answer.status === 202 ? follow(client, answer, giveUpAt) : answer;
}

async function follow(
  client: HttpClient,
  accepted: HttpAnswer<RequestView>,
  giveUpAt: number,
): Promise<HttpAnswer<RequestView>> {
  for (;;) {
    const answer = await persist(giveUpAt, () =>
      client.get<Command>(accepted.headers.location ?? '', { signal: AbortSignal.timeout(callTimeoutMs) }),
    );
    const { state, request, problem } = answer.body;
    if (state === 'done' && request) return { ...answer, body: request };
    if (problem) return { ...answer, status: problem.status, body: problem as unknown as RequestView };
    if (Date.now() > giveUpAt) throw new Error(`command ${answer.body.id} is still ${state}`);
    await pause(againMs);
  }
}

async function persist<Body>(
  giveUpAt: number,
  call: () => Promise<HttpAnswer<Body>>,
): Promise<HttpAnswer<Body>> {
  for (;;) {
    let why: string;
    try {
      const answer = await call();
      if (!isPassing(answer)) return answer;
      why = answer.text;
    } catch (error) {
      why = String(error);
    }
    if (Date.now() > giveUpAt) throw new Error(`given up: ${why}`);
    await pause(againMs);
  }
}
