import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scope } from '@countersign/contracts';
import { IdentitySigner, identityHeader } from '@countersign/service-kit';
import { secretKey, type TestService } from '@countersign/service-kit/test';

/** The one key that it knows. */
export const frontDoorKey = `cs_test_${'k'.repeat(43)}`;

export interface FrontDoor {
  url: string;
  close(): Promise<void>;
}

/** What the gateway is to tools that speak HTTP with a key: vouches for the caller, and passes on what it says byte by byte. */
export const openFrontDoor = async (
  service: TestService,
  {
    workspace,
    scopes = ['audit:read'],
    workflows = null,
    hidden = [],
  }: {
    workspace: string;
    scopes?: Scope[];
    workflows?: string[] | null;
    /** Paths that it says are not there. */
    hidden?: string[];
  },
): Promise<FrontDoor> => {
  const signer = new IdentitySigner(secretKey);
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.authorization !== `Bearer ${frontDoorKey}`)
      return void outgoing.writeHead(401).end();
    if (hidden.includes(incoming.url ?? '')) return void outgoing.writeHead(404).end();
    void signer
      .sign({
        workspace: { id: workspace, name: 'Test', kind: 'live' },
        key: { id: '0192f3a4-7b1c-7d10-8000-0000000000aa', name: 'test', scopes, workflows },
        actor: null,
      })
      .then((identity) => {
        const passed = request(
          {
            port: service.port,
            method: incoming.method,
            path: incoming.url,
            headers: { ...incoming.headers, [identityHeader]: identity },
          },
          (answer) => {
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(outgoing);
          },
        );
        passed.on('error', () => outgoing.destroy());
        incoming.pipe(passed);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
