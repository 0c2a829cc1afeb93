import type {
  ApproverAnswer,
  ApproverQuestion,
  DirectoryPerson,
  Envelope,
  JobData,
} from '@countersign/contracts';
import type { Intake } from './create-intake';

type Asked = Envelope<JobData<'approvers.preview.v1'>>;

/** Stands in for the directory: people named by user name in `user`, members of groups. */
export interface AnsweringDirectory {
  /** Every message of questions so far. */
  readonly asked: Asked['data'][];
  /** Nobody answers while this is true. */
  silent: boolean;
  stop(): Promise<void>;
}

const lookMs = 10;

/** Answers the questions that intake has written into its outbox, as the approver-resolution service would. */
export const answerPreviews = (
  intake: Intake,
  people: readonly DirectoryPerson[],
  groups: Record<string, readonly string[]>,
): AnsweringDirectory => {
  const namedBy = (source: ApproverQuestion['sources'][number]): readonly string[] => {
    if (typeof source.group === 'string') return groups[source.group] ?? [];
    return typeof source.user === 'string' ? [source.user] : [];
  };
  const answer = ({ sources, exclude }: ApproverQuestion): ApproverAnswer => ({
    approvers: people.flatMap((person) => {
      const { id, externalId, userName, displayName, email } = person;
      const at = sources.flatMap((source, index) => (namedBy(source).includes(userName) ? [index] : []));
      if (at.length === 0 || exclude.includes(id)) return [];
      const why = at.map((index) => `Named by ${Object.keys(sources[index] ?? {}).join()}`);
      return [{ person: { id, externalId, userName, displayName, email }, why, sources: at }];
    }),
    skipped: [],
    note: null,
  });
  let running = true;
  const seen = new Set<string>();
  const directory = { asked: [] as Asked['data'][], silent: false };
  const loop = (async () => {
    while (running) {
      const rows = await intake.sql<{ envelope: Asked }>(
        `SELECT envelope FROM outbox_message WHERE envelope->>'type' = 'approvers.preview.v1'`,
      );
      for (const { envelope } of rows) {
        if (seen.has(envelope.id)) continue;
        seen.add(envelope.id);
        directory.asked.push(envelope.data);
        const { questionId, questions } = envelope.data;
        if (!directory.silent)
          await intake.send(
            intake.message('approvers.previewed.v1', { questionId, answers: questions.map(answer) }),
          );
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  })();
  return Object.assign(directory, {
    async stop() {
      running = false;
      await loop;
    },
  });
};
