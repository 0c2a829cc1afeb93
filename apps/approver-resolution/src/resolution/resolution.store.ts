import type { ApproverAnswer } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import type { AnsweredQuestion, ResolutionQuestion } from './resolution-question';

const sorted = <T>(list: readonly T[], idOf: (item: T) => string): T[] =>
  [...list].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

/**
 * Keeps new resolutions, settled or waiting for answers from outside. Returns the ids that were not there before: a
 * resolution that is asked for twice is made once, and one for a request that is erased, which has ended, is not made.
 */
export const insertResolutions = async (
  tx: Tx,
  resolutions: readonly { question: ResolutionQuestion; outcome: ApproverAnswer | null }[],
): Promise<Set<string>> => {
  const list = sorted(resolutions, ({ question }) => question.resolutionId);
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO resolution (workspace_id, id, request_id, stage_key, state, question, result, settled_at)
     SELECT w, i, r, s, CASE WHEN o IS NULL THEN 'calling' ELSE 'settled' END, q, o, CASE WHEN o IS NULL THEN NULL ELSE now() END
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::json[], $6::json[]) AS n (w, i, r, s, q, o)
      WHERE NOT EXISTS (SELECT FROM erased_request e WHERE e.request_id = r)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      list.map(({ question }) => question.workspaceId),
      list.map(({ question }) => question.resolutionId),
      list.map(({ question }) => question.requestId),
      list.map(({ question }) => question.stageKey),
      list.map(({ question }) => JSON.stringify(question)),
      list.map(({ outcome }) => outcome && JSON.stringify(outcome)),
    ],
  );
  return new Set(rows.map((row) => row.id));
};

/** Tells routing who must approve. */
export const publishOutcome = (
  tx: Tx,
  { question, cause }: AnsweredQuestion,
  outcome: ApproverAnswer,
): void => {
  const { workspaceId, resolutionId, requestId, stageKey } = question;
  tx.publish({
    type: 'approvers.resolved.v1',
    workspaceId,
    cause,
    data: { resolutionId, requestId, stageKey, ...outcome },
  });
};

/** Settles a resolution that waited for answers from outside. */
export const settleResolution = async (
  tx: Tx,
  answered: AnsweredQuestion,
  outcome: ApproverAnswer,
): Promise<void> => {
  const { resolutionId } = answered.question;
  await tx.query(
    `UPDATE resolution SET state = 'settled', result = $2, evidence = $3, settled_at = now()
      WHERE id = $1`,
    [resolutionId, JSON.stringify(outcome), JSON.stringify(answered.calls ?? [])],
  );
  publishOutcome(tx, answered, outcome);
};

/** The question of a resolution; undefined when there is none. */
export const questionById = async (tx: Tx, resolutionId: string): Promise<ResolutionQuestion | undefined> => {
  const [row] = await tx.query<{ question: ResolutionQuestion }>(
    'SELECT question FROM resolution WHERE id = $1',
    [resolutionId],
  );
  return row?.question;
};
