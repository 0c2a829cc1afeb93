import { readSources } from './approver-source';

describe('approver sources', () => {
  it('reads every kind, with usual values for what is missing and limits for what is too much', () => {
    expect(
      readSources([
        { user: 'a' },
        { group: 'g' },
        { manager: { of: 'requester', levels: 500 } },
        { webhook: { url: 'https://x.test/', format: 'easylife', timeout: 'PT2S' } },
        { webhook: { url: 'https://x.test/', format: 'easylife' } },
        { webhook: { url: 'https://x.test/', format: 'easylife', timeout: 'P1D' } },
      ]),
    ).toEqual([
      { kind: 'user', ref: 'a' },
      { kind: 'group', ref: 'g' },
      { kind: 'manager', levels: 20 },
      { kind: 'webhook', url: 'https://x.test/', timeoutMs: 2_000 },
      { kind: 'webhook', url: 'https://x.test/', timeoutMs: 10_000 },
      { kind: 'webhook', url: 'https://x.test/', timeoutMs: 60_000 },
    ]);
  });

  it.each([
    {},
    { user: 7 },
    { role: 'counsel' },
    { manager: { of: 'assignee', levels: 1 } },
    { manager: { of: 'requester', untilLimit: 5 } },
    { webhook: { url: 'https://x.test/', format: 'countersign' } },
  ])('refuses %j', (source) => {
    expect(() => readSources([source])).toThrow(/unknown approver source/);
  });
});
