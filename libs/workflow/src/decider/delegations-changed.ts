import type { Candidate, RequestAggregate, Resolution, Stage } from '../aggregate';
import type { ApproversResolvedCommand, DelegationsChangedCommand, ResolvedPerson } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { openTask, peopleOf, voterOf, voterOfTask } from './open-tasks';
import { whoPassedOn } from './passed-on';
import { forbiddenDeciders } from './stage-rule';
import { Transition } from './transition';

/** What an answer says of one person, as the aggregate keeps it. */
export const candidateOf = ({ person, why, onBehalfOf, substitution }: ResolvedPerson): Candidate => ({
  person,
  why,
  ...(onBehalfOf ? { onBehalfOf } : {}),
  ...(substitution ? { substitution } : {}),
});

/** Nobody hands their task to somebody who may not decide, or who has passed it on: they keep it. */
export function unlessForbidden(
  stage: Stage,
  people: readonly ResolvedPerson[],
  forbidden: ReadonlyMap<string, string>,
): ResolvedPerson[] {
  const passedOnBy = whoPassedOn(stage);
  return people.map(({ onBehalfOf, substitution, ...named }) => {
    const { id, displayName } = named.person;
    const hasPassedOn = onBehalfOf && passedOnBy(onBehalfOf.id).has(id);
    const reason = forbidden.get(id) ?? (hasPassedOn ? 'has passed the task on' : undefined);
    if (!onBehalfOf || reason === undefined) return { ...named, onBehalfOf, substitution };
    return { ...named, person: onBehalfOf, substitution: `whose stand-in ${displayName} ${reason}` };
  });
}

/**
 * Somebody's delegations have begun, ended or gone: asks who holds the open questions now that they give, or that are
 * theirs. Only the holder may change, never whose vote it is.
 */
export function delegationsChanged(
  command: DelegationsChangedCommand,
  state: RequestAggregate,
  env: DecideEnv,
): Decision {
  const transition = new Transition(state, env, command.actor);
  for (const stage of state.stages) {
    if (stage.state !== 'active') continue;
    const theirs = questionsOf(stage).filter(({ voter, holder }) =>
      [voter, holder].includes(command.personId),
    );
    if (theirs.length > 0) askWhoHolds(transition, stage.index, votersOf(theirs));
  }
  return transition.events.length > 0 ? transition.done() : NOTHING;
}

interface Question {
  voter: string;
  holder: string;
}

/** Whose votes a stage awaits, and from whom. */
function questionsOf({ tasks, queue }: Stage): Question[] {
  const open = tasks.filter(({ state }) => state === 'open');
  return [
    ...open.map((task) => ({ voter: voterOfTask(task), holder: task.assignee.id })),
    ...queue.map((candidate) => ({ voter: voterOf(candidate), holder: candidate.person.id })),
  ];
}

const votersOf = (questions: readonly Question[]) => new Set(questions.map(({ voter }) => voter));

/** Answers may come in another order than the questions: those that are awaited would bring back what is over. */
function overtake(transition: Transition, { key: stageKey, index: stageIndex, resolutions }: Stage): boolean {
  const awaited = resolutions.filter(({ purpose }) => purpose === 'delegate');
  for (const { id: resolutionId, purpose } of awaited) {
    const note = 'It is asked again who holds the tasks.';
    transition.record('stage.resolved', {
      stageKey,
      stageIndex,
      resolutionId,
      purpose,
      leftOut: [],
      note,
      evidence: null,
    });
  }
  return awaited.length > 0;
}

/**
 * After so long an answer is no longer trusted: who has no task yet when delegations change is told of it by a second message
 * half a minute later, and this must be sooner.
 */
const TRUSTED_MS = 20_000;

/** Asks who holds the questions that have just been opened when the answer that named the people took long. */
export function doubtLateAnswer(
  transition: Transition,
  stageIndex: number,
  { resolvedAt, outcome }: ApproversResolvedCommand,
): void {
  const stage = transition.state.stages[stageIndex];
  if (stage?.state !== 'active' || resolvedAt === undefined) return;
  if (Date.parse(transition.env.now) - Date.parse(resolvedAt) <= TRUSTED_MS) return;
  const asked = peopleOf(stage);
  const voters = outcome.approvers.map((one) => voterOf(candidateOf(one))).filter((id) => asked.has(id));
  if (voters.length > 0) askWhoHolds(transition, stageIndex, new Set(voters));
}

/**
 * Asks who holds the votes of these people now; of everybody in the stage when that is being asked already. Votes that
 * different people have passed on are different questions.
 */
export function askWhoHolds(transition: Transition, stageIndex: number, people: ReadonlySet<string>): void {
  const stage = transition.state.stages[stageIndex];
  if (!stage) return;
  const voters = overtake(transition, stage) ? votersOf(questionsOf(stage)) : people;
  const passedOnBy = whoPassedOn(stage);
  const questions = new Map<string, { voters: string[]; barred: string[] }>();
  for (const voter of voters) {
    const barred = [...passedOnBy(voter)];
    const question = questions.get(barred.join()) ?? { voters: [], barred };
    question.voters.push(voter);
    questions.set(barred.join(), question);
  }
  for (const question of questions.values()) askAbout(transition, stage, question);
}

function askAbout(
  transition: Transition,
  stage: Stage,
  { voters, barred }: { voters: readonly string[]; barred: readonly string[] },
): void {
  const { key: stageKey, index: stageIndex } = stage;
  const resolution: Resolution = {
    id: transition.env.newId(),
    purpose: 'delegate',
    counts: { approvers: voters.length, parts: [], reroute: 0 },
  };
  transition.record('stage.awaiting_approvers', { stageKey, stageIndex, resolution });
  const forbidden = new Set([...forbiddenDeciders(transition, stage).keys(), ...barred]);
  transition.effects.push({
    type: 'resolveApprovers',
    resolutionId: resolution.id,
    stageKey,
    stageIndex,
    sources: voters.map((user) => ({ user })),
    rules: [{ rule: 'delegations', count: voters.length }],
    exclude: [],
    delegations: { workflow: transition.state.workflow.key, forbidden: [...forbidden] },
  });
}

/** Gives open questions to whoever holds them now; `holders` say so of the votes that they were asked about. */
export function handOver(transition: Transition, stage: Stage, holders: readonly Candidate[]): void {
  const { key: stageKey, index: stageIndex } = stage;
  const holderOf = new Map(holders.map((holder) => [voterOf(holder), holder]));
  for (const task of stage.tasks) {
    const holder = task.state === 'open' ? holderOf.get(voterOfTask(task)) : undefined;
    if (!holder || holder.person.id === task.assignee.id) continue;
    transition.record('task.reassigned', {
      task: { ...task, state: 'reassigned', remindAt: null, passedTo: holder.person.id },
      to: holder.person,
      reason: holder.substitution ?? null,
    });
    openTask(transition, stage, { ...holder, why: task.why });
  }
  const isElsewhere = (candidate: Candidate) => {
    const holder = holderOf.get(voterOf(candidate));
    return holder !== undefined && holder.person.id !== candidate.person.id;
  };
  if (!stage.queue.some(isElsewhere)) return;
  const queue = stage.queue.map((candidate) => {
    const holder = holderOf.get(voterOf(candidate));
    return holder && isElsewhere(candidate) ? { ...holder, why: candidate.why } : candidate;
  });
  transition.record('stage.queue_changed', { stageKey, stageIndex, queue });
}
