import type { ApproverAnswer, ApproverQuestion, Requester } from '@countersign/contracts';
import { Problem, type Call } from '@countersign/service-kit';
import type { SimulationAnswer, SimulationQuestion } from '@countersign/workflow';
import type { Previews } from '../../directory-questions/previews';

/** A question of a simulated request, with whose request it is. */
export interface SimulatedQuestion {
  question: Pick<SimulationQuestion, 'sources' | 'exclude'>;
  requester: Requester;
}

/** Who would approve, for the simulations of one call: what has been answered once is not asked again. */
export class DirectoryAnswers {
  private readonly known = new Map<string, SimulationAnswer>();
  private readonly giveUpAt: number;

  constructor(
    private readonly previews: Previews,
    private readonly call: Call,
    /** However many rounds it takes, the caller has an answer, or a refusal, by then. */
    patienceMs: number,
  ) {
    this.giveUpAt = Date.now() + patienceMs;
  }

  /** In the order of the questions. Throws Problem unavailable. */
  async to(questions: readonly SimulatedQuestion[]): Promise<SimulationAnswer[]> {
    const asked = questions.map(
      ({ question: { sources, exclude }, requester }): [string, ApproverQuestion] => [
        // Whose request it is makes no difference beyond who is left out.
        JSON.stringify([sources, exclude, exclude.includes(requester.id)]),
        { sources: sources as unknown as Record<string, unknown>[], exclude, requester },
      ],
    );
    const missing = [...new Map(asked.filter(([name]) => !this.known.has(name)))];
    if (missing.length > 0) {
      if (Date.now() > this.giveUpAt) {
        throw new Problem('unavailable', 'The directory takes too long to answer right now. Try again.', {
          headers: { 'retry-after': '1' },
        });
      }
      const answers = await this.previews.ask(
        this.call.workspaceId,
        missing.map(([, question]) => question),
        this.call.cause,
      );
      missing.forEach(([name], at) => this.known.set(name, answerOf(answers[at])));
    }
    return asked.map(([name]) => this.known.get(name) ?? answerOf(undefined));
  }
}

const answerOf = (answer: ApproverAnswer | undefined): SimulationAnswer => ({
  approvers: answer?.approvers ?? [],
  skipped: answer?.skipped ?? [],
  ...(answer?.note ? { note: answer.note } : {}),
});
