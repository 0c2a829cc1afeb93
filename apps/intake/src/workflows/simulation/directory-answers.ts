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
    const asked = questions.map(sharedQuestion);
    const missing = [
      ...new Map(asked.flatMap(({ name, question }) => (this.known.has(name) ? [] : [[name, question]]))),
    ];
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
    return asked.map(({ name, exclude, question }, at) => {
      const answer = this.known.get(name) ?? answerOf(undefined);
      const whole = questions[at];
      return question.exclude === exclude || !whole ? answer : without(answer, whole);
    });
  }
}

/**
 * A question as it is asked: those who may not approve are left out of its answer, so that requests of different people
 * share it. Only who climbs until a limit passes them over on the way.
 */
const sharedQuestion = ({ question: { sources, exclude }, requester }: SimulatedQuestion) => {
  const climbs = sources.some((source) => 'manager' in source && 'untilLimit' in source.manager);
  const asked: ApproverQuestion = {
    sources: sources as unknown as Record<string, unknown>[],
    exclude: climbs ? exclude : [],
    requester,
  };
  const name = JSON.stringify(climbs ? [sources, exclude, exclude.includes(requester.id)] : [sources]);
  return { name, exclude, question: asked };
};

/** What the directory would have answered without those who are excluded, in its words. */
const without = (
  answer: SimulationAnswer,
  { question: { sources, exclude }, requester }: SimulatedQuestion,
): SimulationAnswer => {
  const isExcluded = ({ person }: SimulationAnswer['approvers'][number]) => exclude.includes(person.id);
  const left = answer.approvers.filter(isExcluded).map(({ person, sources: [at = 0] }) => {
    const source = sources[at];
    return {
      ref: source && 'user' in source ? source.user : person.userName,
      why: person.id === requester.id ? 'may not approve their own request' : 'may not approve at this stage',
    };
  });
  if (left.length === 0) return answer;
  return {
    ...answer,
    approvers: answer.approvers.filter((one) => !isExcluded(one)),
    skipped: [...answer.skipped, ...left],
  };
};

const answerOf = (answer: ApproverAnswer | undefined): SimulationAnswer => ({
  approvers: answer?.approvers ?? [],
  skipped: answer?.skipped ?? [],
  ...(answer?.note ? { note: answer.note } : {}),
});
