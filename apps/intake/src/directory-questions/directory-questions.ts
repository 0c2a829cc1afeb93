import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { LOG, Problem, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { Waits, type Wait } from '../waits/waits';

/** How long a caller waits for the directory's answer (architecture §1). */
const patienceMs = 2_000;

interface Asked {
  workspaceId: string;
  questionId: string;
}

export interface DirectoryAnswer {
  questionId: string;
  answers: unknown;
}

/** Questions to the directory whose callers wait, in whichever process, for what it answers. */
@Injectable()
export class DirectoryQuestions implements OnModuleDestroy {
  private readonly waits: Waits<Asked, { answers: unknown }>;

  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.waits = new Waits(
      (waits) => this.look(waits),
      (error) => log.warn({ err: error }, 'looking for answers of the directory'),
    );
  }

  /**
   * What the directory answers to the question that `publish` sends under this id. Throws Problem unavailable when no
   * answer has come within 2 s.
   */
  async ask(workspaceId: string, publish: (tx: Tx, questionId: string) => void): Promise<unknown> {
    const questionId = v7();
    // Before the question leaves: its answer could be faster than the return from the commit.
    const answer = this.waits.wait({ workspaceId, questionId }, patienceMs);
    await this.unitOfWork([workspaceId], async (tx) => {
      tx.write('INSERT INTO approver_question (id, workspace_id) VALUES ($1, $2)', [questionId, workspaceId]);
      publish(tx, questionId);
    });
    const found = await answer;
    if (!found) throw directoryUnavailable();
    // What is never fetched is forgotten like it, later.
    await this.database.transaction([workspaceId], async (sql) =>
      sql.write('DELETE FROM approver_question WHERE id = $1', [questionId]),
    );
    return found.answers;
  }

  /** Keeps answers for the processes whose callers wait; a question that is gone needs none. */
  store(tx: Tx, answers: readonly DirectoryAnswer[]): void {
    tx.write(
      `UPDATE approver_question q SET answers = a.answers
         FROM unnest($1::uuid[], $2::json[]) AS a (id, answers) WHERE q.id = a.id`,
      [answers.map(({ questionId }) => questionId), answers.map((answer) => JSON.stringify(answer.answers))],
    );
    tx.afterCommit(() => this.answered(answers));
  }

  onModuleDestroy(): void {
    this.waits.close();
  }

  private answered(answers: readonly DirectoryAnswer[]): void {
    const byId = new Map(answers.map((answer) => [answer.questionId, answer]));
    for (const { about, end } of this.waits) {
      const found = byId.get(about.questionId);
      if (found) end(found);
    }
  }

  private async look(waits: readonly Wait<Asked, { answers: unknown }>[]): Promise<void> {
    const workspaces = [...new Set(waits.map(({ about }) => about.workspaceId))];
    const rows = await this.database.transaction(workspaces, (sql) =>
      sql.query<{ id: string; answers: unknown }>(
        'SELECT id, answers FROM approver_question WHERE id = ANY ($1::uuid[]) AND answers IS NOT NULL',
        [waits.map(({ about }) => about.questionId)],
      ),
    );
    this.answered(rows.map(({ id, answers }) => ({ questionId: id, answers })));
  }
}

export const directoryUnavailable = (): Problem =>
  new Problem('unavailable', 'The directory does not answer right now. Try again.', {
    headers: { 'retry-after': '1' },
  });

/** Forgets questions whose asker has long been told to try again. */
export const forgetApproverQuestions = `DELETE FROM approver_question WHERE asked_at < now() - interval '10 minutes'`;
