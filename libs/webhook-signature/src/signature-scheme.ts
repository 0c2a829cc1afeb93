import { createHmac } from 'node:crypto';
import { secretBytes } from './secret';

/** Signs content with one secret and names its scheme: `v1,<base64>`; ed25519 keys (`whsk_…`) will give `v1a,…`. */
export function signature(secret: string, content: Buffer): string {
  return `v1,${createHmac('sha256', secretBytes(secret)).update(content).digest('base64')}`;
}
