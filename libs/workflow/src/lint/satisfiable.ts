import type { Formula } from './formula';
import type { Domain, Domains, Scalar } from './value-domain';

/** What is known of one path in one case: a copy is made for every change. */
interface Known {
  allowed: Scalar[] | null;
  excluded: Scalar[];
  low: number;
  lowOpen: boolean;
  high: number;
  highOpen: boolean;
}

/** One way for a formula to be true. */
interface Case {
  paths: Map<string, Known>;
  opaque: Map<string, boolean>;
}

/** More ways than this are not followed. */
const MAX_CASES = 64;

/** How much work may be done for one definition; when it is used up, nothing more is claimed. */
export interface Effort {
  left: number;
}

function known(domain: Domain): Known {
  const low = Math.max(domain.minimum, domain.exclusiveMinimum);
  const high = Math.min(domain.maximum, domain.exclusiveMaximum);
  const lowOpen = domain.exclusiveMinimum >= domain.minimum;
  const highOpen = domain.exclusiveMaximum <= domain.maximum;
  return { allowed: domain.allowed, excluded: [], low, lowOpen, high, highOpen };
}

function within(value: number, { low, lowOpen, high, highOpen }: Known): boolean {
  return (lowOpen ? value > low : value >= low) && (highOpen ? value < high : value <= high);
}

/** True if some number is left. */
function hasNumber(facts: Known, integer: boolean): boolean {
  const { low, lowOpen, high, highOpen, excluded } = facts;
  if (!integer) return low < high || (low === high && !lowOpen && !highOpen && !excluded.includes(low));
  const first = lowOpen ? Math.floor(low) + 1 : Math.ceil(low);
  const last = highOpen ? Math.ceil(high) - 1 : Math.floor(high);
  if (!Number.isFinite(first) || !Number.isFinite(last)) return first <= last;
  const taken = new Set(excluded.filter((value) => Number.isInteger(value) && within(Number(value), facts)));
  return last - first + 1 > taken.size;
}

function possible(facts: Known, numeric: boolean, integer: boolean): boolean {
  if (facts.allowed) {
    return facts.allowed.some(
      (value) =>
        !facts.excluded.includes(value) && (typeof value === 'number' ? within(value, facts) : !numeric),
    );
  }
  return !numeric || hasNumber(facts, integer);
}

function withFacts(one: Case, path: string, domains: Domains, change: (facts: Known) => Known): Case | null {
  const domain = domains.of(path);
  const before = one.paths.get(path) ?? known(domain);
  const facts = change(before);
  const bare = known(domain);
  const bounded =
    facts.low !== bare.low ||
    facts.high !== bare.high ||
    facts.lowOpen !== bare.lowOpen ||
    facts.highOpen !== bare.highOpen;
  if (!possible(facts, bounded, domain.integer)) return null;
  return { ...one, paths: new Map(one.paths).set(path, facts) };
}

function only(values: Scalar[]) {
  return (facts: Known): Known => ({
    ...facts,
    allowed: facts.allowed ? facts.allowed.filter((value) => values.includes(value)) : values,
  });
}

function without(values: Scalar[]) {
  return (facts: Known): Known => ({ ...facts, excluded: [...facts.excluded, ...values] });
}

function limited(comparison: '<' | '<=' | '>' | '>=', value: number) {
  return (facts: Known): Known => {
    const open = comparison === '<' || comparison === '>';
    if (comparison === '>' || comparison === '>=') {
      if (value < facts.low || (value === facts.low && facts.lowOpen)) return facts;
      return { ...facts, low: value, lowOpen: open };
    }
    if (value > facts.high || (value === facts.high && facts.highOpen)) return facts;
    return { ...facts, high: value, highOpen: open };
  };
}

/** The ways in which one of the cases and the formula hold together; null when there are too many to follow. */
function refine(cases: Case[], formula: Formula, domains: Domains, effort: Effort): Case[] | null {
  effort.left -= 1 + cases.length;
  if (effort.left < 0) return null;
  const each = (change: (one: Case) => Case | null) =>
    cases.flatMap((one) => {
      effort.left -= one.paths.size + one.opaque.size;
      return change(one) ?? [];
    });
  switch (formula.kind) {
    case 'constant':
      return formula.value ? cases : [];
    case 'all': {
      // What leaves one way only comes first: it keeps the others few.
      const parts = [...formula.parts].sort((a, b) => Number(a.kind === 'some') - Number(b.kind === 'some'));
      let left: Case[] | null = cases;
      for (const part of parts) left = left && refine(left, part, domains, effort);
      return left;
    }
    case 'some': {
      const found: Case[] = [];
      for (const part of formula.parts) {
        const more = refine(cases, part, domains, effort);
        if (!more || found.length + more.length > MAX_CASES) return null;
        found.push(...more);
      }
      return found;
    }
    case 'compare': {
      const { path, comparison, value } = formula;
      if (comparison === '==') return each((one) => withFacts(one, path, domains, only([value])));
      if (comparison === '!=') return each((one) => withFacts(one, path, domains, without([value])));
      return each((one) => withFacts(one, path, domains, limited(comparison, Number(value))));
    }
    case 'among': {
      const change = formula.holds ? only(formula.values) : without(formula.values);
      return each((one) => withFacts(one, formula.path, domains, change));
    }
    case 'opaque':
      return each((one) => {
        const before = one.opaque.get(formula.text);
        if (before !== undefined) return before === formula.holds ? one : null;
        return { ...one, opaque: new Map(one.opaque).set(formula.text, formula.holds) };
      });
  }
}

/** False only if no request can make all formulas true; true also when that could not be found out. */
export function satisfiable(formulas: Formula[], domains: Domains, effort: Effort): boolean {
  const start: Case = { paths: new Map(), opaque: new Map() };
  const cases = refine([start], { kind: 'all', parts: formulas }, domains, effort);
  return cases === null || cases.length > 0;
}
