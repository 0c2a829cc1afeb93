import type { JobData } from '@countersign/contracts';
import type { TestService } from '@countersign/service-kit/test';
import type { SentMessage } from '@countersign/service-kit/test';

/** The services beside audit that erase, as a test has none of them: they have nothing left of what they are asked for. */
export const others = ['intake', 'routing', 'approver-resolution', 'notification'] as const;

type Asked = SentMessage<'subject.erase.v1'>;

/** Answers every part of an erasure that was asked for, as far as it has not been, and gives the parts. */
export const answerParts = async (
  service: TestService,
  erasureId: string,
  counts: JobData<'subject.erased.v1'>['counts'] = {},
): Promise<Asked[]> => {
  const asked = (await service.sent('subject.erase.v1')).filter(({ data }) => data.erasureId === erasureId);
  const open = await service.sql<{ part: number; service: string }>(
    `SELECT part, service FROM erasure_part WHERE erasure_id = $1 AND done_at IS NULL AND service <> 'audit'`,
    [erasureId],
  );
  const messages = open.map(({ part, service: name }) => ({
    ...service.message('subject.erased.v1', {
      erasureId,
      part,
      service: name as (typeof others)[number],
      counts,
    }),
    workspaceId: asked[0]?.workspaceId ?? service.workspaceId,
  }));
  if (messages.length > 0) {
    await service.send(...messages);
    await service.handled(...messages);
  }
  return asked;
};
