import { createHash } from 'node:crypto';
import type { Envelope } from '@countersign/contracts';

/**
 * The id of a job with these messages: the same for the same ones, so that a command that was sent twice adds one job. All of
 * them count: BullMQ silently drops a job whose id it has, and after a re-send two packs may well begin alike. The prefix
 * keeps ids from meaning anything to BullMQ.
 */
export const jobIdOf = (envelopes: readonly Envelope[]): string => {
  const hash = createHash('sha256');
  for (const { id } of envelopes) hash.update(id);
  return `ob-${hash.digest('hex')}`;
};
