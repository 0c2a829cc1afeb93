import { readSources } from './approver-source';

const alice = '01936d3c-0000-7000-8000-000000000001';
const webhook = (more: Record<string, unknown>) => ({ webhook: { url: 'https://x.test/', ...more } });

describe('approver sources', () => {
  it('reads every kind, with usual values for what is missing and limits for what is too much', () => {
    expect(
      readSources([
        { user: 'a' },
        { user: 'b', by: 'payload.owner' },
        { group: 'g' },
        { role: 'counsel' },
        { manager: { of: alice, levels: 2 } },
        { manager: { of: alice, levels: 500 } },
        { manager: { of: alice, untilLimit: 5000.5 } },
        { manager: { of: alice, untilLimit: 0 } },
        webhook({ format: 'easylife', timeout: 'PT2S' }),
        webhook({ format: 'countersign' }),
        webhook({ format: 'easylife', timeout: 'P1D' }),
      ]),
    ).toEqual([
      { kind: 'user', ref: 'a', by: null },
      { kind: 'user', ref: 'b', by: 'payload.owner' },
      { kind: 'group', ref: 'g' },
      { kind: 'role', role: 'counsel' },
      { kind: 'levels', of: alice, levels: 2 },
      { kind: 'levels', of: alice, levels: 20 },
      { kind: 'limit', of: alice, amount: 5000.5 },
      { kind: 'limit', of: alice, amount: 0 },
      { kind: 'webhook', url: 'https://x.test/', format: 'easylife', timeoutMs: 2_000 },
      { kind: 'webhook', url: 'https://x.test/', format: 'countersign', timeoutMs: 10_000 },
      { kind: 'webhook', url: 'https://x.test/', format: 'easylife', timeoutMs: 60_000 },
    ]);
  });

  it.each([
    {},
    { user: 7 },
    { role: ['counsel'] },
    { manager: 'requester' },
    { manager: { of: 'requester', levels: 1 } },
    { manager: { of: alice } },
    { manager: { of: alice, levels: 1.5 } },
    { manager: { of: alice, untilLimit: 'payload.amount' } },
    webhook({ format: 'soap' }),
    { webhook: null },
  ])('refuses %j', (source) => {
    expect(() => readSources([source])).toThrow(/unknown approver source/);
  });
});
