import { createServer, type AddressInfo } from 'node:net';
import { call, startGateway, type TestGateway } from './gateway';
import { startUpstream, type TestUpstream } from './upstream';

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

let intake: TestUpstream;
let gateway: TestGateway;
let metricsUrl: string;
beforeAll(async () => {
  intake = await startUpstream((_request, response) => void response.end('{}'));
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}`;
  gateway = await startGateway({ INTAKE_URL: intake.url, COUNTERSIGN_METRICS_PORT: String(port) });
});
afterAll(async () => {
  await gateway.stop();
  await intake.stop();
});

describe('the metrics of the gateway', () => {
  it('are told at a port of their own, where there is nothing else', async () => {
    const answer = await fetch(`${metricsUrl}/metrics`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await answer.text()).toMatch(/^process_cpu_seconds_total \d/m);
    expect((await fetch(`${metricsUrl}/readyz`)).status).toBe(404);
    expect((await fetch(`${metricsUrl}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('are not told to callers, and neither are those of a service', async () => {
    for (const path of ['/metrics', '/v1/metrics', '/v1/requests/%2e%2e/%2e%2e/metrics']) {
      expect((await call(gateway.url, null, 'GET', path)).status).toBe(401);
      expect((await call(gateway.url, gateway.adminKey, 'GET', path)).status).toBe(404);
    }
    expect(intake.seen).toEqual([]);
  });

  it('end with the gateway', async () => {
    const port = await freePort();
    const other = await gateway.another({ COUNTERSIGN_METRICS_PORT: String(port) });
    const url = `http://127.0.0.1:${port}/metrics`;
    expect((await fetch(url)).status).toBe(200);
    await other.stop();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});
