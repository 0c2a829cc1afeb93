import type { DelegationRule } from '@countersign/contracts';
import type { PersonRow } from '../directory/user.rows';
import { mostHops, type Delegation, type Delegations } from './delegation.rows';

/** Who holds somebody's task. */
export interface StandIn {
  holder: PersonRow;
  /** User ids between the two. */
  via: string[];
  /** Ids of the delegations that lead from one to the other; null for an absence. */
  delegations: (string | null)[];
  /** What this has to do with an absence or a delegation, to be said after a sentence; null when nothing has. */
  substitution: string | null;
}

/**
 * Who holds a person's task at a moment: whoever their delegations lead to in the end. Who is not active is passed over on
 * the way; to or past somebody who may not decide nothing leads. When nobody is left, the person keeps it.
 */
export const standInFor = (
  person: PersonRow,
  delegations: Delegations,
  rule: DelegationRule,
  at: Date,
): StandIn => new Walk(person, delegations, rule, at).end();

// Made once: to make one takes longer than everything else that is done for a person.
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' });
const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** One delegation followed, and to whom. */
interface Hop {
  delegation: string | null;
  to: string;
}

interface Reached {
  holder: PersonRow;
  via: string[];
  delegations: (string | null)[];
  until: number;
}

class Walk {
  private readonly forbidden: ReadonlySet<string>;
  private readonly seen = new Set<string>();
  /** Why the first who was to stand in does not. */
  private refusal: string | null = null;

  constructor(
    private readonly person: PersonRow,
    private readonly delegations: Delegations,
    private readonly rule: DelegationRule,
    private readonly at: Date,
  ) {
    this.forbidden = new Set(rule.forbidden);
  }

  end(): StandIn {
    const { person } = this;
    // Whoever may not decide here themselves does not have it decided by a delegate either.
    if (this.forbidden.has(person.id))
      return { holder: person, via: [], delegations: [], substitution: null };
    const reached = this.follow(person, [], Infinity);
    if (!reached)
      return { holder: person, via: [], delegations: [], substitution: this.refusal ?? this.absence() };
    const { holder, via, delegations, until } = reached;
    return {
      holder,
      via,
      delegations,
      substitution: `stands in for ${person.display_name}${this.until(until)}`,
    };
  }

  private follow(from: PersonRow, path: Hop[], until: number): Reached | null {
    if (this.seen.has(from.id) || path.length >= mostHops) return null;
    this.seen.add(from.id);
    for (const delegation of this.applicable(from.id)) {
      const { to, unknownTo, endsAt } = delegation;
      if (unknownTo !== null) this.refuse(`${unknownTo} is not in the directory`);
      if (!to || this.seen.has(to.id)) continue;
      if (this.forbidden.has(to.id)) {
        this.refuse(`${to.display_name} may not decide here`);
        continue;
      }
      const ends = Math.min(until, endsAt);
      const hops = [...path, { delegation: delegation.id, to: to.id }];
      const further = this.follow(to, hops, ends);
      if (further) return further;
      if (to.active) {
        return {
          holder: to,
          via: path.map((hop) => hop.to),
          delegations: hops.map((hop) => hop.delegation),
          until: ends,
        };
      }
      this.refuse(`${to.display_name} is not active`);
    }
    return null;
  }

  /** Of several, what is for this workflow comes before what is for all, the newest first, and an absence last. */
  private applicable(id: string): Delegation[] {
    const rank = ({ id, workflows }: Delegation) => (workflows ? 0 : id ? 1 : 2);
    return (this.delegations.get(id) ?? [])
      .filter(({ workflows }) => workflows === null || workflows.includes(this.rule.workflow))
      .sort((a, b) => rank(a) - rank(b) || ((a.id ?? '') < (b.id ?? '') ? 1 : -1));
  }

  private refuse(why: string): void {
    this.refusal ??= `whose stand-in ${why}`;
  }

  private absence(): string | null {
    const absence = (this.delegations.get(this.person.id) ?? []).find(({ id }) => id === null);
    return absence ? `is out of office${this.until(absence.endsAt)}` : null;
  }

  private until(ms: number): string {
    if (!Number.isFinite(ms)) return '';
    const end = new Date(ms);
    const isThisYear = end.getUTCFullYear() === this.at.getUTCFullYear();
    return ` until ${(isThisYear ? dayOfYear : day).format(end)}`;
  }
}
