import type { ApproverAnswer, ApproverQuestion, Requester } from '@countersign/contracts';
import { Problem, type Call } from '@countersign/service-kit';
import type { SimulationAnswer, SimulationQuestion } from '@countersign/workflow';
import type { Previews } from '../../directory-questions/previews';

/** A question of a simulated request, with whose request it is. */
export interface SimulatedQuestion {
  question: Pick<SimulationQuestion, 'sources' | 'rules' | 'exclude' | 'delegations'>;
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
    const shared = questions.map(sharedQuestion);
    await this.ask(shared);
    const answers = questions.map((whole, at) => without(this.answerTo(shared[at]), whole));
    // A delegation that leads to or past somebody who may not decide leads elsewhere for this request.
    const own = questions.flatMap((whole, at) =>
      leadsToForbidden(answers[at], whole) ? [{ at, asked: ownQuestion(whole) }] : [],
    );
    await this.ask(own.map(({ asked }) => asked));
    for (const { at, asked } of own) answers[at] = this.answerTo(asked);
    return answers;
  }

  private answerTo(asked: Asked | undefined): SimulationAnswer {
    return (asked && this.known.get(asked.name)) ?? answerOf(undefined);
  }

  private async ask(asked: readonly Asked[]): Promise<void> {
    const missing = [
      ...new Map(asked.flatMap(({ name, question }) => (this.known.has(name) ? [] : [[name, question]]))),
    ];
    if (missing.length === 0) return;
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
}

/** A question under a name that equal ones share. */
interface Asked {
  name: string;
  question: ApproverQuestion;
}

/**
 * A question as it is asked: those who may not approve are left out of its answer, so that requests of different people
 * share it. Only who climbs until a limit passes them over on the way.
 */
const sharedQuestion = ({ question, requester }: SimulatedQuestion): Asked => {
  const { sources, rules, exclude } = question;
  const climbs = sources.some((source) => 'manager' in source && 'untilLimit' in source.manager);
  const delegations = question.delegations && { workflow: question.delegations.workflow, forbidden: [] };
  const asked: ApproverQuestion = {
    sources: sources as unknown as Record<string, unknown>[],
    rules,
    exclude: climbs ? exclude : [],
    requester,
    delegations,
  };
  const rest = climbs ? [exclude, exclude.includes(requester.id)] : [];
  return { name: JSON.stringify([sources, rules, delegations?.workflow ?? null, ...rest]), question: asked };
};

const ownQuestion = ({ question, requester }: SimulatedQuestion): Asked => {
  const { sources, rules, exclude, delegations } = question;
  return {
    name: JSON.stringify([sources, rules, exclude, delegations, requester.id]),
    question: {
      sources: sources as unknown as Record<string, unknown>[],
      rules,
      exclude,
      requester,
      delegations,
    },
  };
};

const leadsToForbidden = (answer: SimulationAnswer | undefined, { question }: SimulatedQuestion): boolean => {
  const forbidden = question.delegations?.forbidden ?? [];
  return (answer?.approvers ?? []).some(
    ({ person, onBehalfOf, via = [] }) =>
      onBehalfOf && [person.id, onBehalfOf.id, ...via].some((id) => forbidden.includes(id)),
  );
};

/** What the directory would have answered without those who are excluded, in its words. */
const without = (
  answer: SimulationAnswer,
  { question: { sources, exclude }, requester }: SimulatedQuestion,
): SimulationAnswer => {
  const isExcluded = ({ person, onBehalfOf }: SimulationAnswer['approvers'][number]) =>
    exclude.includes((onBehalfOf ?? person).id);
  const left = answer.approvers
    .filter(isExcluded)
    .map(({ person: holder, onBehalfOf, sources: [at = 0] }) => {
      const person = onBehalfOf ?? holder;
      const source = sources[at];
      return {
        ref: source && 'user' in source ? source.user : person.userName,
        why:
          person.id === requester.id ? 'may not approve their own request' : 'may not approve at this stage',
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
  evidence: answer?.evidence,
});
