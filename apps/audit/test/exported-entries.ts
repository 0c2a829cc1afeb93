import type { ExportedEntry } from '../src/export/exported-entry';

export const workspaceId = '0192f3a4-7b1c-7d10-8000-0000000000ff';

export const exported = (changes: Partial<ExportedEntry> = {}): ExportedEntry => ({
  index: 7,
  id: '0192f3a4-7b1c-7d10-8000-000000000001',
  type: 'task.decided',
  at: '2026-11-21T09:00:02.123Z',
  requestId: '0192f3a4-7b1c-7d10-8000-000000000002',
  requestVersion: 3,
  workflow: 'purchase-order',
  content:
    '{"actor":{"type":"user","id":"0192f3a4-7b1c-7d10-8000-000000000003","via":"key-1"},"amount":1e+21}',
  sealed:
    '[{"subject":"s","kind":"comment","salt":"AA==","data":"say \\"no\\", please","commitment":"+c/="}]',
  leafHash: '+AbC/efgHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq=',
  ...changes,
});
