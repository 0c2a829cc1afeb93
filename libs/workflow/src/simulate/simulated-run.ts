import type { Person, RequestAggregate, Resolution, Stage, Task } from '../aggregate';
import { decide } from '../decider/approval.decider';
import type { Command } from '../decider/commands';
import type { DomainError } from '../decider/decision';
import { apply } from '../decider/evolve';
import type { Actor } from '../decider/events';
import { reasonsOf } from '../decider/open-tasks';
import { conditionContext } from '../decider/stage-rule';
import { Transition } from '../decider/transition';
import { withAssumedApprovers } from './assumed-approvers';
import type {
  GivenDecision,
  SimulatedEvidence,
  Simulation,
  SimulationAnswer,
  SimulationInput,
  SimulationQuestion,
} from './simulation';
import { submissionOf } from './submission';

const SYSTEM: Actor = { type: 'system', id: null, via: null };
/** Given with every decision, so that a stage which asks for a comment is no obstacle. */
const COMMENT = 'Simulated';

/** More assumed approvals than this are not played through: the stages after them are as if not reached. */
const MAX_ASSUMED = 10_000;
const ASSUMED_AT_A_TIME = 20;
/** Nor is anything beyond so many people, counted stage by stage. */
const MAX_PEOPLE = 20_000;

/** What a run has shown of a stage beside its state. */
export interface StageNotes {
  /** Why its `when` holds; null without one. */
  applies: string | null;
  /** Everybody asked or to be asked, in that order. */
  people: Map<string, { person: Person; why: string[] }>;
  /** Addresses that are asked for approvers when the stage starts. */
  webhooks: string[];
  /** Nobody knows yet whom the webhooks name: somebody is assumed. */
  assumed: boolean;
  evidence: SimulatedEvidence[];
}

const noNotes = (): StageNotes => ({
  applies: null,
  people: new Map(),
  webhooks: [],
  assumed: false,
  evidence: [],
});

/** One request, driven through the decider command by command. */
export class SimulatedRun {
  private current: RequestAggregate | null = null;
  private outstanding: SimulationQuestion[] = [];
  private noted = new Map<string, StageNotes>();
  /** Ids of those who stand in for whom a webhook names. */
  private standIns = new Set<string>();
  private people = 0;

  constructor(private readonly input: SimulationInput) {}

  get state(): RequestAggregate {
    if (!this.current) throw new Error('the request has not been submitted yet');
    return this.current;
  }

  notesOf({ key }: Pick<Stage, 'key'>): StageNotes {
    return this.noted.get(key) ?? noNotes();
  }

  submit(): void {
    this.run(submissionOf(this.input));
  }

  /** Asks until no question is left. */
  *settle(): Simulation<void> {
    while (this.outstanding.length > 0) {
      const asked = this.outstanding;
      this.outstanding = [];
      const answers = yield asked;
      asked.forEach((question, index) => {
        const { resolutionId, stageKey } = question;
        const outcome = this.assumeApprovers(question, answers[index] ?? { approvers: [], skipped: [] });
        this.run({ type: 'approversResolved', actor: SYSTEM, resolutionId, stageKey, outcome });
      });
    }
  }

  /** The open task that somebody could decide in a stage; their own before one that they hold for another. */
  taskOf({ stage, by }: GivenDecision): Task | undefined {
    const open = this.state.stages
      .find(({ key }) => key === stage)
      ?.tasks.filter(
        ({ state, assignee, onBehalfOf }) =>
          state === 'open' && (assignee.id === by.id || onBehalfOf?.id === by.id),
      );
    return open?.find(({ onBehalfOf }) => onBehalfOf === null) ?? open?.[0];
  }

  decide(task: Task, by: Person, decision: GivenDecision['decision']): DomainError | null {
    return this.run({
      type: 'decideTask',
      actor: { type: 'user', id: by.id, via: null },
      taskId: task.id,
      decision,
      comment: COMMENT,
      reasonCode: this.input.definition.reasonCodes[decision]?.[0] ?? null,
    });
  }

  /**
   * Goes on as if everybody who is asked approved, to the end of the request. A decision that `given` has for a task that
   * is open comes first.
   */
  *assumeApprovals(given: () => GivenDecision | undefined = () => undefined): Simulation<void> {
    for (let made = 1; made <= MAX_ASSUMED && this.people <= MAX_PEOPLE; made++) {
      const next = given();
      const task = next && this.taskOf(next);
      if (next && task) this.decide(task, next.by, next.decision);
      else if (!this.approveOnce()) return;
      yield* this.settle();
      // Nothing to ask, but others may want a turn.
      if (made % ASSUMED_AT_A_TIME === 0) yield [];
    }
  }

  /** The same run once more, to go on differently from here. */
  copy(): SimulatedRun {
    const copy = new SimulatedRun(this.input);
    copy.current = this.current;
    copy.outstanding = [...this.outstanding];
    copy.standIns = new Set(this.standIns);
    copy.people = this.people;
    copy.noted = new Map(
      [...this.noted].map(([key, notes]) => [key, { ...notes, people: new Map(notes.people) }]),
    );
    return copy;
  }

  /** Lets somebody who has not answered approve; false when nobody is left who could. */
  private approveOnce(): boolean {
    for (const { tasks } of this.state.stages) {
      for (const task of tasks) {
        if (task.state !== 'open') continue;
        const deciders = [task.assignee, ...(task.onBehalfOf ? [task.onBehalfOf] : [])];
        if (deciders.some((by) => this.decide(task, by, 'approve') === null)) return true;
      }
    }
    return false;
  }

  private run(command: Command): DomainError | null {
    const { definition, payload, now, newId } = this.input;
    const before = this.current;
    const decision = decide(command, before, { definition, payload, now, newId });
    if (!decision.ok) return decision.error;
    this.current = apply(before, decision.events);
    for (const event of decision.events) {
      if (event.type !== 'stage.resolved' || !event.evidence) continue;
      const notes = this.notesOf({ key: event.stageKey });
      const evidence = [...notes.evidence, { purpose: event.purpose, ...event.evidence }];
      this.noted.set(event.stageKey, { ...notes, evidence });
    }
    for (const question of decision.effects) {
      // Whom a stage informs changes nothing.
      if (this.resolutionOf(question)?.purpose !== 'notify') this.outstanding.push(question);
    }
    this.state.stages.forEach((stage, index) => {
      if (stage !== before?.stages[index]) this.note(stage, before?.stages[index]);
    });
    return null;
  }

  private note(stage: Stage, before: Stage | undefined): void {
    const notes = this.noted.get(stage.key) ?? noNotes();
    this.noted.set(stage.key, notes);
    const rule = this.input.definition.stages[stage.index];
    const isReached = (one: Stage) => one.resolutions.length > 0 || one.startedAt !== null;
    if (rule?.when && isReached(stage) && !(before && isReached(before))) {
      notes.applies = rule.when.explain(this.conditions(), stage.title);
    }
    const asked = stage.tasks.map((task) => ({ person: task.assignee, why: reasonsOf(task) }));
    const queued = stage.queue.map((candidate) => ({ person: candidate.person, why: reasonsOf(candidate) }));
    for (const { person, why } of [...asked, ...queued]) {
      if (this.standIns.has(person.id)) continue;
      const known = notes.people.get(person.id);
      // Somebody with a task of their own may hold those of others as well.
      notes.people.set(person.id, { person, why: [...new Set([...(known?.why ?? []), ...why])] });
      if (!known) this.people++;
    }
  }

  private conditions() {
    const { definition, payload, now, newId } = this.input;
    return conditionContext(new Transition(this.state, { definition, payload, now, newId }, SYSTEM));
  }

  private resolutionOf({ stageIndex, resolutionId }: SimulationQuestion): Resolution | undefined {
    return this.state.stages[stageIndex]?.resolutions.find(({ id }) => id === resolutionId);
  }

  private assumeApprovers(question: SimulationQuestion, answer: SimulationAnswer): SimulationAnswer {
    const stage = this.state.stages[question.stageIndex];
    const resolution = this.resolutionOf(question);
    const rule = this.input.definition.stages[question.stageIndex];
    if (!stage || !resolution || !rule) return answer;
    const assumed = withAssumedApprovers({
      question,
      answer,
      counts: resolution.counts,
      rule,
      requesterId: this.state.requester.id,
      deciders: this.input.decisions.filter((given) => given.stage === stage.key).map(({ by }) => by),
      newId: this.input.newId,
    });
    if (assumed.webhooks.length === 0) return answer;
    for (const { id } of assumed.standIns) this.standIns.add(id);
    this.noted.set(stage.key, {
      ...this.notesOf(stage),
      webhooks: assumed.webhooks,
      assumed: assumed.standIns.length > 0,
    });
    return assumed.answer;
  }
}
