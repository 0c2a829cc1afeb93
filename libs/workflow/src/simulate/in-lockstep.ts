import type { Simulation, SimulationAnswer, SimulationQuestion } from './simulation';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Runs simulations side by side: what all of them ask at a time is asked together. The event loop has its turn between
 * two steps. `ask` answers in the order of the questions.
 */
export async function inLockstep<Result>(
  simulations: readonly Simulation<Result>[],
  ask: (questions: { question: SimulationQuestion; simulation: number }[]) => Promise<SimulationAnswer[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  let waiting = simulations.map((_, index) => ({ index, answers: [] as SimulationAnswer[] }));
  while (waiting.length > 0) {
    const asking: { index: number; questions: SimulationQuestion[] }[] = [];
    for (const { index, answers } of waiting) {
      await nextTurn();
      const step = simulations[index]?.next(answers);
      if (step?.done) results[index] = step.value;
      else if (step) asking.push({ index, questions: step.value });
    }
    const questions = asking.flatMap((one) =>
      one.questions.map((question) => ({ question, simulation: one.index })),
    );
    const answers = questions.length > 0 ? await ask(questions) : [];
    let next = 0;
    waiting = asking.map(({ index, questions: own }) => ({
      index,
      answers: answers.slice(next, (next += own.length)),
    }));
  }
  return results;
}
