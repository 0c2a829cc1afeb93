import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { IdentitySigner, identityHeader } from '@countersign/service-kit';
import { secretKey, type CallOptions, type TestService } from '@countersign/service-kit/test';

export interface Download {
  status: number;
  headers: IncomingHttpHeaders;
  trailers: NodeJS.Dict<string>;
  text: string;
  /** Whether it ended as HTTP says, and was not cut off. */
  complete: boolean;
}

/** A call of whose answer nothing is read yet. */
export const open = async (
  { port, workspaceId }: TestService,
  path: string,
  {
    workspace = workspaceId,
    scopes = ['audit:read'],
    workflows = null,
    actor = null,
    method = 'GET',
  }: CallOptions & { method?: 'GET' | 'HEAD' } = {},
): Promise<IncomingMessage> => {
  const identity = await new IdentitySigner(secretKey).sign({
    workspace: { id: workspace, name: 'Test & Co', kind: 'live' },
    key: { id: '0192f3a4-7b1c-7d10-8000-0000000000aa', name: 'test', scopes, workflows },
    actor,
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { [identityHeader]: identity } },
      resolve,
    );
    outgoing.once('error', reject);
    outgoing.end();
  });
};

export const readAll = async (answer: IncomingMessage): Promise<Download> => {
  const chunks: Buffer[] = [];
  let complete = true;
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch {
    complete = false;
  }
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    trailers: answer.trailers,
    text: Buffer.concat(chunks).toString('utf8'),
    complete: complete && answer.complete,
  };
};

export const download = async (
  service: TestService,
  path: string,
  options?: CallOptions & { method?: 'GET' | 'HEAD' },
): Promise<Download> => readAll(await open(service, path, options));
