import { createHash } from 'node:crypto';
import type { Message } from '@countersign/messaging';
import type { ApproverSource, ResolverFormat } from '../resolution/approver-source';
import { countersignBody, countersignQuestion } from './countersign-body';
import { easyLifeBody } from './easylife-body';

/** What the webhooks of one resolution are sent, in the formats that its sources name. */
export type ResolverBodies = Partial<Record<ResolverFormat, string>>;

/** What they are sent, and what tells this question from others; null when no answer to it may be kept. */
export interface AskedBodies {
  bodies: ResolverBodies;
  questionHash: string | null;
}

const bodyOf: Record<ResolverFormat, (message: Message<'approvers.resolve.v1'>) => string> = {
  easylife: easyLifeBody,
  countersign: countersignBody,
};

export const resolverBodies = (
  message: Message<'approvers.resolve.v1'>,
  sources: readonly ApproverSource[],
): AskedBodies => {
  const formats = new Set(sources.flatMap((source) => (source.kind === 'webhook' ? [source.format] : [])));
  return {
    bodies: Object.fromEntries([...formats].map((format) => [format, bodyOf[format](message)])),
    questionHash: formats.has('countersign') ? sha256Hex(countersignQuestion(message)) : null,
  };
};

/** SHA-256 in hexadecimal. */
export const sha256Hex = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');
