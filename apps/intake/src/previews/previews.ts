import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { ApproverAnswer, ApproverQuestion } from '@countersign/contracts';
import type { Cause, UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { LOG, Problem, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { Waits, type Wait } from '../waits/waits';

/** How long a caller waits for the directory's answer (architecture §1). */
const patienceMs = 2_000;
/** Questions of one message, as its contract says. */
const mostQuestions = 500;

interface Asked {
  workspaceId: string;
  questionId: string;
}

export interface PreviewAnswer {
  questionId: string;
  answers: ApproverAnswer[];
}

/** Asks the directory who would approve, and lets the caller wait for its answer. */
@Injectable()
export class Previews implements OnModuleDestroy {
  private readonly waits: Waits<Asked, ApproverAnswer[]>;

  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.waits = new Waits(
      (waits) => this.look(waits),
      (error) => log.warn({ err: error }, 'looking for previews of approvers'),
    );
  }

  /**
   * Answers in the order of the questions; equal ones are asked once. Throws Problem unavailable when an answer has not
   * come within 2 s, and validation_failed when the answers name too many people.
   */
  async ask(
    workspaceId: string,
    questions: readonly ApproverQuestion[],
    cause: Cause,
  ): Promise<ApproverAnswer[]> {
    const names = questions.map((question) => JSON.stringify(question));
    const distinct = [
      ...new Map(names.map((name, at) => [name, questions[at] as ApproverQuestion])).entries(),
    ];
    const packs = Array.from({ length: Math.ceil(distinct.length / mostQuestions) }, (_, at) =>
      distinct.slice(at * mostQuestions, (at + 1) * mostQuestions),
    );
    const byName = new Map<string, ApproverAnswer>();
    await Promise.all(
      packs.map(async (pack) => {
        const answers = await this.askOne(
          workspaceId,
          pack.map(([, question]) => question),
          cause,
        );
        pack.forEach(([name], at) => byName.set(name, answers[at] as ApproverAnswer));
      }),
    );
    return names.map((name) => byName.get(name) as ApproverAnswer);
  }

  /** This process has stored answers. */
  answered(answers: readonly PreviewAnswer[]): void {
    const byId = new Map(answers.map((answer) => [answer.questionId, answer.answers]));
    for (const { about, end } of this.waits) {
      const found = byId.get(about.questionId);
      if (found) end(found);
    }
  }

  onModuleDestroy(): void {
    this.waits.close();
  }

  private async askOne(
    workspaceId: string,
    questions: ApproverQuestion[],
    cause: Cause,
  ): Promise<ApproverAnswer[]> {
    const questionId = v7();
    // Before the question leaves: its answer could be faster than the return from the commit.
    const answer = this.waits.wait({ workspaceId, questionId }, patienceMs);
    await this.unitOfWork([workspaceId], async (tx) => {
      tx.write('INSERT INTO approver_question (id, workspace_id) VALUES ($1, $2)', [questionId, workspaceId]);
      tx.publish({
        type: 'approvers.preview.v1',
        workspaceId,
        cause,
        data: { questionId, asker: 'intake', questions },
      });
    });
    const answers = await answer;
    if (answers?.length === 0) {
      throw Problem.invalid([{ pointer: '', message: 'It would ask too many people to be looked at.' }]);
    }
    if (answers?.length !== questions.length) {
      throw new Problem('unavailable', 'The directory does not answer right now. Try again.', {
        headers: { 'retry-after': '1' },
      });
    }
    // What is never fetched is forgotten like it, later.
    await this.database.transaction([workspaceId], async (sql) =>
      sql.write('DELETE FROM approver_question WHERE id = $1', [questionId]),
    );
    return answers;
  }

  private async look(waits: readonly Wait<Asked, ApproverAnswer[]>[]): Promise<void> {
    const workspaces = [...new Set(waits.map(({ about }) => about.workspaceId))];
    const rows = await this.database.transaction(workspaces, (sql) =>
      sql.query<{ id: string; answers: ApproverAnswer[] }>(
        'SELECT id, answers FROM approver_question WHERE id = ANY ($1::uuid[]) AND answers IS NOT NULL',
        [waits.map(({ about }) => about.questionId)],
      ),
    );
    this.answered(rows.map(({ id, answers }) => ({ questionId: id, answers })));
  }
}

/** Forgets questions whose asker has long been told to try again. */
export const forgetApproverQuestions = `DELETE FROM approver_question WHERE asked_at < now() - interval '10 minutes'`;
