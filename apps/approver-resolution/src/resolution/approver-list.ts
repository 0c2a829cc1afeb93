import type { ApproverAnswer, ResolvedApprover, StandInEvidence } from '@countersign/contracts';
import type { Delegations } from '../delegations/delegation.rows';
import { standInFor } from '../delegations/stand-in';
import { personOf, type PersonRow } from '../directory/user.rows';
import type { SourcesQuestion } from './resolution-question';

/** Many times what a stage asks, so the workflow sees that it is too much; a group may have any number of members. */
const mostApprovers = 5_000;

/** Of those left out, as many are named. */
const mostSkipped = 100;
/** And of those who stand in for somebody. */
const mostStandIns = 100;

/** A ref may be anything that somebody's webhook has answered. */
export const shownRef = (ref: string): string => ref.replaceAll('\0', '\uFFFD').slice(0, 256).toWellFormed();

/** Whom one source names. */
export interface SourceApprovers {
  /** Ids of those whom it names, whether they may approve or not. */
  readonly named: ReadonlySet<string>;
  /** Whether a person may approve here; who may not is left out. */
  admits(row: PersonRow, ref: string): boolean;
  /** Adds a person, or leaves them out when they may not approve here. */
  add(row: PersonRow, ref: string, why: string): void;
  /** Adds whom a ref means. */
  addMatches(matches: readonly PersonRow[], ref: string, why: string): void;
  leaveOut(ref: string, why: string): void;
  note(text: string): void;
}

interface Named {
  row: PersonRow;
  why: string[];
  sources: number[];
}

/**
 * The approvers of one question: each person once, in the order of the sources, with one sentence for each source that
 * names them. The first 5,000.
 */
export class ApproverList {
  private readonly approvers = new Map<string, Named>();
  private readonly skipped = new Map<string, string>();
  private readonly notes = new Set<string>();

  constructor(private readonly question: Pick<SourcesQuestion, 'exclude' | 'requesterId' | 'delegations'>) {}

  /** The part of the source at this index. Sources must be taken in ascending order. */
  ofSource(index: number): SourceApprovers {
    const admits = (row: PersonRow, ref: string): boolean => {
      const refusal = this.refusalOf(row);
      if (refusal !== null) this.leaveOut(ref, refusal);
      return refusal === null;
    };
    const named = new Set<string>();
    const add = (row: PersonRow, ref: string, why: string): void => {
      named.add(row.id);
      if (admits(row, ref)) this.add(index, row, why);
    };
    return {
      named,
      admits,
      add,
      addMatches: ([row, another], ref, why) => {
        if (!row) this.leaveOut(ref, 'nobody in the directory has this id, externalId or userName');
        else if (another) this.leaveOut(ref, 'more than one person in the directory is called this');
        else add(row, ref, why);
      },
      leaveOut: (ref, why) => this.leaveOut(ref, why),
      note: (text) => void this.notes.add(text),
    };
  }

  /** User ids of those who are named. */
  people(): string[] {
    return [...this.approvers.keys()];
  }

  /** Who is asked, by whoever stands in for them at that time. */
  answer(
    delegations: Delegations,
    at: Date,
  ): Omit<ApproverAnswer, 'evidence'> & { standIns: StandInEvidence[] } {
    const standIns: StandInEvidence[] = [];
    return {
      approvers: [...this.approvers.values()].map((named) => this.asked(named, delegations, at, standIns)),
      standIns,
      skipped: [...this.skipped].map(([ref, why]) => ({ ref, why })),
      note: this.notes.size > 0 ? [...this.notes].join(' ') : null,
    };
  }

  /** Who stands in is added to `standIns`. */
  private asked(
    { row, why, sources }: Named,
    delegations: Delegations,
    at: Date,
    standIns: StandInEvidence[],
  ): ResolvedApprover {
    const rule = this.question.delegations;
    const standIn = rule ? standInFor(row, delegations, rule, at) : null;
    const holder = standIn?.holder ?? row;
    if (standIn && holder.id !== row.id && standIns.length < mostStandIns) {
      standIns.push({
        of: row.id,
        holder: holder.id,
        delegations: standIn.delegations.map((id) => id ?? 'outOfOffice'),
      });
    }
    return {
      person: personOf(holder),
      why,
      sources,
      version: Number(holder.version),
      ...(holder.id === row.id
        ? {}
        : {
            onBehalfOf: personOf(row),
            onBehalfOfVersion: Number(row.version),
            ...(standIn && standIn.via.length > 0 ? { via: standIn.via } : {}),
          }),
      ...(standIn?.substitution ? { substitution: standIn.substitution } : {}),
    };
  }

  private add(source: number, row: PersonRow, why: string): void {
    const known = this.approvers.get(row.id);
    if (!known && this.approvers.size === mostApprovers) return;
    const named = known ?? { row, why: [], sources: [] };
    this.approvers.set(row.id, named);
    if (named.sources.at(-1) === source) return;
    named.why.push(why);
    named.sources.push(source);
  }

  private leaveOut(ref: string, why: string): void {
    const shown = shownRef(ref);
    if (this.skipped.size < mostSkipped && !this.skipped.has(shown)) this.skipped.set(shown, why);
  }

  private refusalOf({ id, active }: PersonRow): string | null {
    if (!active) return 'is not active';
    if (!this.question.exclude.includes(id)) return null;
    return id === this.question.requesterId
      ? 'may not approve their own request'
      : 'may not approve at this stage';
  }
}
