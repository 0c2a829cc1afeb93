import { Injectable } from '@nestjs/common';
import type { ApproverAnswer, ApproverQuestion } from '@countersign/contracts';
import type { Cause } from '@countersign/messaging';
import { directoryUnavailable, DirectoryQuestions } from './directory-questions';

/** Questions of one message, as its contract says. */
const mostQuestions = 500;

/** Asks the directory who would approve, and lets the caller wait for its answer. */
@Injectable()
export class Previews {
  constructor(private readonly questions: DirectoryQuestions) {}

  /**
   * Answers in the order of the questions; equal ones are asked once. Throws Problem unavailable when an answer has not
   * come within 2 s.
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

  private async askOne(
    workspaceId: string,
    questions: ApproverQuestion[],
    cause: Cause,
  ): Promise<ApproverAnswer[]> {
    const answers = (await this.questions.ask(workspaceId, (tx, questionId) =>
      tx.publish({
        type: 'approvers.preview.v1',
        workspaceId,
        cause,
        data: { questionId, asker: 'intake', questions },
      }),
    )) as ApproverAnswer[];
    if (answers.length !== questions.length) throw directoryUnavailable();
    return answers;
  }
}
