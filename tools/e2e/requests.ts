import type { RequestView, TaskView } from '@countersign/contracts';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type HttpAnswer } from './http-client';

export const order = (amount: number) => ({ amount, department: 'IT', region: 'EMEA' });

export interface Submission {
  workflow: string;
  requester?: string;
  payload?: unknown;
  [member: string]: unknown;
}

/** Submits a request of Alice's, and gives it as the 201 shows it. */
export async function submit(client: HttpClient, submission: Submission): Promise<RequestView> {
  const body = { title: '30 laptops', requester: 'alice@example.com', payload: {}, ...submission };
  return expectStatus(await client.post<RequestView>('/v1/requests', body), 201);
}

export const openTasks = (request: RequestView): TaskView[] =>
  request.stages.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'open');

export async function read(client: HttpClient, id: string): Promise<RequestView> {
  return expectStatus(await client.get<RequestView>(`/v1/requests/${id}`), 200);
}

/** The request once it is in one of these states. */
export async function untilState(client: HttpClient, id: string, ...states: string[]): Promise<RequestView> {
  let last: RequestView | undefined;
  return eventually(
    `request ${id} is ${states.join(' or ')}`,
    async () => {
      last = await read(client, id);
      return states.includes(last.state) ? last : null;
    },
    { describe: () => `it is ${JSON.stringify(last)}` },
  );
}

/** The open tasks of a request once it has as many. */
export async function untilTasks(client: HttpClient, id: string, count = 1): Promise<TaskView[]> {
  let last: RequestView | undefined;
  return eventually(
    `${count} open tasks of request ${id}`,
    async () => {
      last = await read(client, id);
      const open = openTasks(last);
      return open.length === count ? open : null;
    },
    { describe: () => `it is ${JSON.stringify(last)}` },
  );
}

/** Decides a task as its assignee; any answer will do. */
export function decide(
  client: HttpClient,
  task: TaskView,
  decision: 'approve' | 'reject' | 'return',
  more: Record<string, unknown> = {},
): Promise<HttpAnswer<RequestView>> {
  return client
    .as(task.assignee.userName)
    .post<RequestView>(`/v1/tasks/${task.id}/decision`, { decision, ...more });
}
