import type { Person } from '@countersign/contracts';
import type { PersonalData } from './log-entry';

/** What of an event may stay for ever, and what may have to go. */
export interface Described {
  content: Record<string, unknown>;
  personal: PersonalData[];
}

/** User ids of those whom free text is sealed for. */
export interface Subjects {
  requester: string;
  /** Who wrote it. */
  author: string;
}

/** What becomes of one member of an event. */
export interface MemberRule {
  describe(name: string, value: unknown, subjects: Subjects): Described;
  /** What is decided upon inside it; `whole`: whatever is inside goes the same way; absent: it is a bare value. */
  inside?: Readonly<Record<string, MemberRule>> | 'whole';
}

/** A rule for every member of T: one that is missing does not compile. */
export type RulesFor<T> = { readonly [M in keyof T]-?: MemberRule };

const nothing: Described = { content: {}, personal: [] };
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What ids, states, codes and times look like; hardly any sentence does. */
const code = /^[\w.:+-]{1,200}$/;
const isCode = (value: unknown): boolean =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && code.test(value));

/** Of what nobody has decided upon nothing stands in a leaf. */
const undecided = (name: string, value: unknown, { requester }: Subjects): Described => ({
  content: {},
  personal: [{ subject: requester, kind: 'undecided', data: { [name]: value } }],
});

/** The members of an object, each by its rule. */
export const describeMembers = (
  rules: Readonly<Record<string, MemberRule>>,
  value: Record<string, unknown>,
  subjects: Subjects,
): Described => {
  const described = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) =>
      Object.hasOwn(rules, name) && rules[name]
        ? rules[name].describe(name, member, subjects)
        : undecided(name, member, subjects),
    );
  return {
    content: Object.assign({}, ...described.map(({ content }) => content)) as Record<string, unknown>,
    personal: described.flatMap(({ personal }) => personal),
  };
};

/** An id, a state, a code, a number or a time: stands in the leaf. */
export const plain: MemberRule = {
  describe: (name, value, subjects) =>
    isCode(value) ? { content: { [name]: value }, personal: [] } : undecided(name, value, subjects),
};

/** Stands in the leaf under another name. */
export const plainAs = (other: string): MemberRule => ({
  describe: (_, value, subjects) => plain.describe(other, value, subjects),
});

/** Stands elsewhere already, or says nothing about the request. */
export const leftOut: MemberRule = { describe: () => nothing, inside: 'whole' };

/** Free text, and whatever may quote it. */
export const sealedFor = (owner: keyof Subjects, kind: string): MemberRule => ({
  describe: (_, value, subjects) =>
    value === null || value === '' || (Array.isArray(value) && value.length === 0)
      ? nothing
      : { content: {}, personal: [{ subject: subjects[owner], kind, data: value }] },
  inside: 'whole',
});

/** What the request itself says; all of it is sealed together. */
export const words: MemberRule = {
  describe: (name, value, { requester }) => ({
    content: {},
    personal: [{ subject: requester, kind: 'request', data: { [name]: value } }],
  }),
  inside: 'whole',
};

/** The id stands in the leaf; the members named are sealed for the person. */
export const personWith = <T extends Person>(rules: RulesFor<Omit<T, 'id'>>): MemberRule => ({
  describe: (name, value, subjects) => {
    if (value === null) return { content: { [name]: null }, personal: [] };
    if (!isRecord(value) || typeof value.id !== 'string') return undecided(name, value, subjects);
    const known = Object.entries(value).filter(([member]) => Object.hasOwn(rules, member));
    return {
      content: { [name]: value.id },
      personal: [{ subject: value.id, kind: 'person', data: Object.fromEntries(known) }],
    };
  },
  inside: { ...rules, id: plain },
});

/** An object with a place of its own in the leaf. */
export const record = <T>(rules: RulesFor<T>): MemberRule => ({
  describe: (name, value, subjects) => {
    if (value === null) return { content: { [name]: null }, personal: [] };
    if (!isRecord(value)) return undecided(name, value, subjects);
    const { content, personal } = describeMembers(rules, value, subjects);
    return { content: { [name]: content }, personal };
  },
  inside: rules,
});

/**
 * Such an object, some members of which its rules leave out and which are sealed together for the requester. The `names` stay in the leaf as well, and say of which
 * object of a list it was.
 */
export const recordSealing = <T>(
  rules: RulesFor<T>,
  { kind, sealed, names }: { kind: string; sealed: readonly (keyof T)[]; names: readonly (keyof T)[] },
): MemberRule => {
  const open = record(rules);
  return {
    ...open,
    describe: (name, value, subjects) => {
      const described = open.describe(name, value, subjects);
      const says = (member: keyof T) => isRecord(value) && (value[member as string] ?? null) !== null;
      if (!isRecord(value) || !sealed.some(says)) return described;
      const members = [...names, ...sealed.filter(says)];
      const data = Object.fromEntries(members.map((member) => [member, value[member as string]]));
      const { content, personal } = described;
      return { content, personal: [...personal, { subject: subjects.requester, kind, data }] };
    },
  };
};

/** An object whose members stand in the leaf like the event's own. */
export const spread = <T>(
  rules: RulesFor<T>,
  subjectsOf: (value: Record<string, unknown>, subjects: Subjects) => Subjects = (_, subjects) => subjects,
): MemberRule => ({
  describe: (name, value, subjects) =>
    isRecord(value)
      ? describeMembers(rules, value, subjectsOf(value, subjects))
      : undecided(name, value, subjects),
  inside: rules,
});

/** A list of what one rule is for; null stays null. */
export const listOf = (rule: MemberRule): MemberRule => ({
  describe: (name, value, subjects) => {
    if (value === null) return { content: { [name]: null }, personal: [] };
    if (!Array.isArray(value)) return undecided(name, value, subjects);
    const items = value.map((item: unknown) => rule.describe(name, item, subjects));
    return {
      content: { [name]: items.flatMap(({ content }) => (name in content ? [content[name]] : [])) },
      personal: items.flatMap(({ personal }) => personal),
    };
  },
  inside: rule.inside,
});
