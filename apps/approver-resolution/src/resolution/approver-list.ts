import type { ApproversResolved } from '@countersign/contracts';
import { personOf, type PersonRow } from '../directory/user.rows';
import type { ResolutionQuestion } from './resolution-question';

/** Who must approve, who was left out, and what there is to say of the whole. */
export type Outcome = Pick<ApproversResolved, 'approvers' | 'skipped' | 'note'>;

/** Of those left out, as many are named. */
const mostSkipped = 100;

/** A ref may be anything that somebody's webhook has answered. */
const shownRef = (ref: string): string => ref.replaceAll('\0', '\uFFFD').slice(0, 256).toWellFormed();

/** The approvers of one resolution as its sources name them: each person once, in the order of the sources. */
export class ApproverList {
  private readonly approvers = new Map<string, { row: PersonRow; why: Set<string> }>();
  private readonly skipped = new Map<string, string>();
  private readonly notes: string[] = [];

  constructor(private readonly question: ResolutionQuestion) {}

  /** Adds a person, or leaves them out when they may not approve here. */
  add(row: PersonRow, ref: string, why: string): void {
    if (!row.active) return this.leaveOut(ref, 'is not active');
    if (this.question.exclude.includes(row.id)) return this.leaveOut(ref, this.whyExcluded(row.id));
    const known = this.approvers.get(row.id);
    if (known) known.why.add(why);
    else this.approvers.set(row.id, { row, why: new Set([why]) });
  }

  /** Adds whom a ref means. */
  addMatches(matches: readonly PersonRow[], ref: string, why: string): void {
    const [row, another] = matches;
    if (!row) this.leaveOut(ref, 'nobody in the directory has this id, externalId or userName');
    else if (another) this.leaveOut(ref, 'more than one person in the directory is called this');
    else this.add(row, ref, why);
  }

  leaveOut(ref: string, why: string): void {
    const shown = shownRef(ref);
    if (this.skipped.size < mostSkipped && !this.skipped.has(shown)) this.skipped.set(shown, why);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  outcome(): Outcome {
    return {
      approvers: [...this.approvers.values()].map(({ row, why }) => ({
        person: personOf(row),
        why: [...why].join('; '),
      })),
      skipped: [...this.skipped].map(([ref, why]) => ({ ref, why })),
      note: this.notes.length > 0 ? this.notes.join(' ') : null,
    };
  }

  private whyExcluded(id: string): string {
    return id === this.question.requester.id
      ? 'may not approve their own request'
      : 'may not approve at this stage';
  }
}
