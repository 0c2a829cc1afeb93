import { Problem } from '@countersign/service-kit';
import { attributeNamed, type Attribute } from './attribute';
import { targetsOf } from './apply-patch';
import { fixedBy, predicateOf } from './match-value';
import { memberKey, readMembers, type MemberRef } from './member-refs';
import type { Filter } from './parse-filter';
import type { PatchTarget } from './patch-path';
import { isObject, readSingle } from './read-attributes';
import type { GroupInput } from './read-group';
import type { PatchOperation } from './read-patch';
import { groupResource } from './scim-schema';
import { invalid } from './scim-problem';

/**
 * One step on the members of a group, none of which has to be read for it:
 * - `set`: out with everybody, if `reset`; then in or out with those named, the last word on each being what counts
 * - `selected`: out with those who fit a filter that is more than a list of ids, and in with `joining`; nobody fits:
 *   nothing happens, or noTarget when `mustFit`
 */
export type MemberStep =
  | { kind: 'set'; reset: boolean; fates: MemberFate[] }
  | { kind: 'selected'; filter: Filter; joining: MemberRef[]; mustFit: boolean; at: string };

/** Whether a member joins or leaves. */
export interface MemberFate {
  member: MemberRef;
  joins: boolean;
}

/** What becomes of a group; what is undefined stays. */
export interface GroupChange {
  displayName: string | undefined;
  externalId: string | null | undefined;
  steps: MemberStep[];
}

/** Each looks at every member of the group. */
const mostSelections = 100;

/** A PUT: everything is as it says. */
export const replacingBy = ({ displayName, externalId, members }: GroupInput): GroupChange => ({
  displayName,
  externalId,
  steps: [{ kind: 'set', reset: true, fates: members.map((member) => ({ member, joins: true })) }],
});

/**
 * What a PATCH does to a group. Operations on members by id, however many, become one step, the later ones winning.
 * Throws Problem invalidPath, invalidFilter, invalidValue, mutability, noTarget.
 */
export const changeOf = (operations: readonly PatchOperation[]): GroupChange => {
  const change: GroupChange = { displayName: undefined, externalId: undefined, steps: [] };
  const steps = new MemberSteps(change.steps);
  for (const operation of operations) {
    for (const { target, value } of targetsOf(operation, groupResource)) {
      if (target.attribute?.name === 'members') memberOperation(operation, target, value, steps);
      else scalarOperation(operation, target, value, change);
    }
  }
  steps.close();
  if (change.steps.filter(({ kind }) => kind === 'selected').length > mostSelections) {
    const detail = `A PATCH may select members by at most ${mostSelections} filters other than value eq.`;
    throw new Problem('payload_too_large', detail);
  }
  return change;
};

const scalarOperation = (
  { op, at }: PatchOperation,
  { path, attribute }: PatchTarget,
  value: unknown,
  change: GroupChange,
): void => {
  if (!attribute || attribute.mutability === 'readOnly')
    throw invalid('mutability', `${at}: ${path.slice(0, 100)} is readOnly.`);
  if (op === 'remove' && attribute.required)
    throw invalid('mutability', `${at}: ${attribute.name} is required.`);
  const read =
    op === 'remove' || value === null ? undefined : readSingle(attribute, bare(value), `${at}.value`);
  if (attribute.name === 'externalId') change.externalId = (read as string | undefined) ?? null;
  else if (read === undefined) throw invalid('invalidValue', `${at}: ${attribute.name} is required.`);
  else change.displayName = read as string;
};

/** Entra ID has sent single values as `[{"value": …}]`. */
const bare = (value: unknown): unknown => {
  const lone: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return isObject(lone) && 'value' in lone ? lone.value : lone;
};

const memberOperation = (
  { op, at }: PatchOperation,
  { attribute, filter, sub, path }: PatchTarget,
  value: unknown,
  steps: MemberSteps,
): void => {
  if (!attribute) return;
  if (sub) throw invalid('mutability', `${at}: ${path.slice(0, 100)} is ${sub.mutability ?? 'immutable'}.`);
  if (filter) return selectedMembers(op, attribute, filter, value, at, steps);
  if (op === 'remove' && (value === undefined || value === null)) return steps.reset();
  const refs = readMembers(value, `${at}.value`);
  if (op === 'replace') steps.reset();
  for (const ref of refs) {
    if (op === 'remove') steps.leave(ref);
    else steps.join(ref);
  }
};

const selectedMembers = (
  op: PatchOperation['op'],
  attribute: Attribute,
  filter: Filter,
  value: unknown,
  at: string,
  steps: MemberSteps,
): void => {
  // For what it refuses: who fits is found in the database.
  predicateOf(filter, attribute);
  const named = namedBy(filter);
  if (op === 'remove') {
    if (named) for (const ref of named) steps.leave(ref);
    else steps.add({ kind: 'selected', filter, joining: [], mustFit: false, at });
    return;
  }
  if (op === 'replace') {
    const joining = readMembers(value, `${at}.value`);
    return steps.add({ kind: 'selected', filter, joining, mustFit: true, at });
  }
  // Adding to a member changes nothing: all that a member has is immutable. Nobody there to add to: it becomes one.
  const fixed = fixedBy(filter, attribute);
  if (!fixed || !attributeNamed(attribute.subAttributes ?? [], 'value') || fixed.value === undefined)
    throw invalid('noTarget', `${at}: no member fits the filter.`);
  for (const ref of readMembers(fixed, `${at}.path`)) steps.join(ref);
};

/** The members that `value eq "…"`, alone or joined by `or`, names. */
const namedBy = (filter: Filter): MemberRef[] | null => {
  if (filter.kind === 'compare') {
    const { path, comparison, value } = filter;
    const names = path.toLowerCase() === 'value' && comparison === 'eq' && typeof value === 'string';
    return names ? [{ ref: value, type: null }] : null;
  }
  if (filter.kind !== 'or') return null;
  const parts = filter.parts.map(namedBy);
  return parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
};

/** Gathers what becomes of members by id into as few steps as there can be. */
class MemberSteps {
  private isReset = false;
  private readonly fates = new Map<string, MemberFate>();

  constructor(private readonly steps: MemberStep[]) {}

  join(member: MemberRef): void {
    this.decide({ member, joins: true });
  }

  leave(member: MemberRef): void {
    this.decide({ member, joins: false });
  }

  reset(): void {
    this.isReset = true;
    this.fates.clear();
  }

  add(step: MemberStep): void {
    this.close();
    this.steps.push(step);
  }

  close(): void {
    if (!this.isReset && this.fates.size === 0) return;
    this.steps.push({ kind: 'set', reset: this.isReset, fates: [...this.fates.values()] });
    this.isReset = false;
    this.fates.clear();
  }

  /** In the order of the last word on each: several refs may turn out to mean the same member. */
  private decide(fate: MemberFate): void {
    const key = memberKey(fate.member);
    this.fates.delete(key);
    this.fates.set(key, fate);
  }
}
