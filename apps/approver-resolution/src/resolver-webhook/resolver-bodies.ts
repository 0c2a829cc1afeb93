import type { Message } from '@countersign/messaging';
import type { ApproverSource, ResolverFormat } from '../resolution/approver-source';
import { countersignBody } from './countersign-body';
import { easyLifeBody } from './easylife-body';

/** What the webhooks of one resolution are sent, in the formats that its sources name. */
export type ResolverBodies = Partial<Record<ResolverFormat, string>>;

const bodyOf: Record<ResolverFormat, (message: Message<'approvers.resolve.v1'>) => string> = {
  easylife: easyLifeBody,
  countersign: countersignBody,
};

export const resolverBodies = (
  message: Message<'approvers.resolve.v1'>,
  sources: readonly ApproverSource[],
): ResolverBodies => {
  const formats = new Set(sources.flatMap((source) => (source.kind === 'webhook' ? [source.format] : [])));
  return Object.fromEntries([...formats].map((format) => [format, bodyOf[format](message)]));
};
