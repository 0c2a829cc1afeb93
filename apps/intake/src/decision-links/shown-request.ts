import { createHash } from 'node:crypto';
import type { LinkedTask } from './link-standing';

/** What a page has shown: the request at a version, and a fingerprint of all of it that is decided on. */
export interface ShownRequest {
  version: number;
  fingerprint: string;
}

/** Of 128 bits. Not of due times, names and what others have decided, which change what is known but not what is asked. */
export const shownRequest = ({ request, stage, task }: LinkedTask): ShownRequest => {
  const { revision, title, reason, externalRef, requester, workflow, version } = request;
  const asked = [revision, title, reason, externalRef, requester.id, workflow.id, workflow.version];
  const place = [stage.key, stage.title, task.id];
  const digest = createHash('sha256').update(JSON.stringify([...asked, ...place]));
  return { version, fingerprint: digest.digest('base64url').slice(0, 22) };
};

/** As a field of a form. */
export const writeShown = ({ version, fingerprint }: ShownRequest): string => `${version}.${fingerprint}`;

/** Null for what no page of ours has written. */
export const readShown = (text: string): ShownRequest | null => {
  const [, version, fingerprint] = /^([1-9]\d{0,8})\.([\w-]{22})$/.exec(text) ?? [];
  return version && fingerprint ? { version: Number(version), fingerprint } : null;
};

/** Whether it is not any more what was shown, as far as that is kept. */
export const isChanged = ({ request, payloadSeen, wordsSeen }: LinkedTask): boolean =>
  payloadSeen !== null ||
  (wordsSeen !== null && (wordsSeen.title !== request.title || wordsSeen.reason !== request.reason));
