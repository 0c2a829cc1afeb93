import { expectStatus } from './http-client';
import { Load, type LoadOptions } from './load';
import { createOrganisation } from './organisation';
import { json, RecordingServer } from './recording-server';
import { startTestSystem, type TestSystem, type TestSystemOptions } from './test-system';
import { publish, purchaseOrder, workflowOf } from './workflows';

export interface LoadedSystem {
  system: TestSystem;
  subscribers: RecordingServer;
  load: Load;
  stop(): Promise<void>;
}

/** A system with people, workflows and two subscribers, ready for a load that has not begun. */
export async function startLoadedSystem(
  options: TestSystemOptions,
  load: Omit<LoadOptions, 'client' | 'subscribers'>,
): Promise<LoadedSystem> {
  const subscribers = await RecordingServer.start();
  const system = await startTestSystem(options).catch(async (error) => {
    await subscribers.stop();
    throw error;
  });
  const stop = async () => {
    await system.stop();
    await subscribers.stop();
  };
  try {
    const { admin: client } = system;
    const { bob } = await createOrganisation(client);
    subscribers.behave('/resolver', (_, nth) => (nth % 10 === 0 ? { status: 500 } : json([bob.id])));
    await publish(client, purchaseOrder);
    const webhook = `{ webhook: { url: "${subscribers.url('/resolver')}", format: easylife } }`;
    await publish(client, workflowOf('guest', `  - key: owner\n    approvers: [ ${webhook} ]\n`));
    for (const format of ['standard', 'easylife']) {
      const url = subscribers.url(`/${format}`);
      expectStatus(await client.post('/v1/webhook-endpoints', { url, events: ['*'], format }), 201);
    }
    return { system, subscribers, load: new Load({ ...load, client, subscribers }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
