import { until, type TestService } from '@countersign/service-kit/test';

/** Has the service check logs, and tells what it has found. */
export const selfChecking = (service: TestService) => {
  const stateOf = async (workspace: string) =>
    (await service.get('/v1/audit/self-check', { workspace })).body;

  /** A look at what is new and a pass over everything, from now on. */
  const checkAll = async (workspace: string): Promise<void> => {
    const before = (await stateOf(workspace)).passedAt;
    const begun = await service.call('POST', '/v1/audit/self-check', {}, { workspace });
    expect(begun.status).toBe(200);
    await until(async () => (await stateOf(workspace)).passedAt !== before, 60_000);
  };

  const verified = async (workspace: string, entries: number): Promise<void> => {
    await checkAll(workspace);
    expect((await stateOf(workspace)).verifiedEntries).toBe(entries);
  };

  /** Newest first, such as `entry 77`. */
  const findingsOf = async (workspace: string): Promise<string[]> => {
    const { body } = await service.get('/v1/audit/self-check/findings?limit=200', { workspace });
    return body.data.map(({ kind, index }: { kind: string; index: number }) => `${kind} ${index}`);
  };

  const found = async (workspace: string, finding: string): Promise<void> => {
    await checkAll(workspace);
    expect(await findingsOf(workspace)).toContain(finding);
  };

  return { stateOf, checkAll, verified, findingsOf, found };
};
