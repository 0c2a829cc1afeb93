import type { Tx } from '@countersign/messaging';
import type { Outcome } from './approver-list';
import type { AnsweredQuestion, ResolutionQuestion } from './resolution-question';

const sorted = <T>(list: readonly T[], idOf: (item: T) => string): T[] =>
  [...list].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

const questionColumns = (list: readonly { question: ResolutionQuestion }[]): unknown[] => [
  list.map(({ question }) => question.workspaceId),
  list.map(({ question }) => question.resolutionId),
  list.map(({ question }) => question.requestId),
  list.map(({ question }) => question.stageKey),
  list.map(({ question }) => JSON.stringify(question)),
];

/** Keeps resolutions that needed only the directory. */
export const keepResolutions = (
  tx: Tx,
  resolutions: readonly { question: ResolutionQuestion; outcome: Outcome }[],
): void => {
  if (resolutions.length === 0) return;
  const list = sorted(resolutions, ({ question }) => question.resolutionId);
  tx.write(
    `INSERT INTO resolution (workspace_id, id, request_id, stage_key, question, result, state, settled_at)
     SELECT *, 'settled', now() FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::json[], $6::json[])
     ON CONFLICT DO NOTHING`,
    [...questionColumns(list), list.map(({ outcome }) => JSON.stringify(outcome))],
  );
};

/**
 * Keeps resolutions that wait for answers from outside. Answers the ids that were not there before: what is asked for
 * twice is called once.
 */
export const openResolutions = async (
  tx: Tx,
  resolutions: readonly { question: ResolutionQuestion }[],
): Promise<Set<string>> => {
  if (resolutions.length === 0) return new Set();
  const list = sorted(resolutions, ({ question }) => question.resolutionId);
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO resolution (workspace_id, id, request_id, stage_key, question, state)
     SELECT *, 'calling' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::json[])
     ON CONFLICT DO NOTHING RETURNING id`,
    questionColumns(list),
  );
  return new Set(rows.map((row) => row.id));
};

/** Tells routing who must approve. */
export const publishOutcome = (tx: Tx, { question, cause }: AnsweredQuestion, outcome: Outcome): void => {
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
  outcome: Outcome,
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
