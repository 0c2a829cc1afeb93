import type { LeftOut, Person, Requester, ResolvableSource, ResolvedPerson, SimulationAnswer } from '../src';
import { person } from './given';

/** A small organisation, by user id. */
export interface Organisation {
  groups: Record<string, string[]>;
  roles: Record<string, string[]>;
  /** Whose manager is who. */
  managers: Record<string, string>;
  limits: Record<string, number>;
  inactive: string[];
  /** Who stands in for whom. */
  delegates?: Record<string, string>;
}

function namedBy(
  source: ResolvableSource,
  organisation: Organisation,
): { ids: string[]; why: string } | null {
  if ('user' in source) return { ids: [source.user], why: 'Named in the workflow' };
  if ('group' in source) {
    const ids = organisation.groups[source.group];
    return ids ? { ids, why: `Member of the group ${source.group}` } : null;
  }
  if ('role' in source) {
    const ids = organisation.roles[source.role];
    return ids ? { ids, why: `Has the role ${source.role}` } : null;
  }
  if (!('manager' in source)) return null;
  const { manager } = source;
  const ids: string[] = [];
  for (let above = organisation.managers[manager.of]; above !== undefined && !ids.includes(above);) {
    ids.push(above);
    if ('levels' in manager && ids.length >= manager.levels) break;
    if ('untilLimit' in manager && (organisation.limits[above] ?? 0) >= manager.untilLimit) break;
    above = organisation.managers[above];
  }
  return { ids, why: `Above ${manager.of}` };
}

/** Answers as the directory does: sources in their order, each person once; webhooks name nobody. */
export function resolve(
  question: {
    sources: ResolvableSource[];
    exclude: string[];
    delegations?: { forbidden: string[] } | null;
  },
  organisation: Organisation,
  people: readonly string[],
): SimulationAnswer {
  const found = new Map<string, ResolvedPerson>();
  const skipped: LeftOut[] = [];
  question.sources.forEach((source, index) => {
    const named = namedBy(source, organisation);
    if (!named) return skipped.push({ ref: JSON.stringify(source), why: 'nobody is called this' });
    for (const id of named.ids) {
      if (!people.includes(id)) skipped.push({ ref: id, why: 'nobody in the directory is called this' });
      else if (organisation.inactive.includes(id)) skipped.push({ ref: id, why: 'is not active' });
      else if (question.exclude.includes(id)) skipped.push({ ref: id, why: 'may not approve here' });
      else {
        const one = found.get(id) ?? { person: person(id), why: [], sources: [] };
        found.set(id, { ...one, why: [...one.why, named.why], sources: [...one.sources, index] });
      }
    }
    return undefined;
  });
  const { delegations } = question;
  const approvers = [...found.values()].map((one) => {
    const holder = delegations ? organisation.delegates?.[one.person.id] : undefined;
    if (holder === undefined || delegations?.forbidden.includes(holder)) return one;
    const substitution = `stands in for ${one.person.displayName}`;
    return { ...one, person: person(holder), onBehalfOf: one.person, substitution };
  });
  return { approvers, skipped };
}

/** Somebody as a requester. */
export function requesterOf(who: Person, organisation: Organisation): Requester {
  const groups = Object.entries(organisation.groups).filter(([, ids]) => ids.includes(who.id));
  return {
    ...who,
    department: 'it',
    region: 'EMEA',
    approvalLimit: organisation.limits[who.id] ?? null,
    groups: groups.map(([name]) => name),
    manager: organisation.managers[who.id] ?? null,
  };
}
