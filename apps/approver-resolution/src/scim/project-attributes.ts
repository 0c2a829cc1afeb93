import type { Projection } from './list-query';

type Members = Record<string, unknown>;

/** Attributes that are always there (RFC 7643 §7, returned "always"). */
const always = ['schemas', 'id'];

/** An attribute path as up to two member names in lower case; the URN of an extension is a member name. */
const pathOf = (name: string, coreUrn: string, extensionUrns: readonly string[]): [string, string?] => {
  const path = name.toLowerCase();
  const core = `${coreUrn.toLowerCase()}:`;
  const urn = extensionUrns
    .map((id) => id.toLowerCase())
    .find((id) => path === id || path.startsWith(`${id}:`));
  if (urn !== undefined) {
    const rest = path.slice(urn.length + 1).split('.')[0];
    return rest ? [urn, rest] : [urn];
  }
  const [top = '', sub] = (path.startsWith(core) ? path.slice(core.length) : path).split('.');
  return sub === undefined ? [top] : [top, sub];
};

const pick = (value: unknown, keep: (name: string) => boolean): unknown => {
  if (Array.isArray(value)) return value.map((item: unknown) => pick(item, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => keep(name.toLowerCase())));
};

/** The part of a resource that a client has asked for. */
export const project = (
  resource: Members,
  { attributes, excluded }: Projection,
  coreUrn: string,
  extensionUrns: readonly string[],
): Members => {
  if (!attributes && excluded.length === 0) return resource;
  const named = (attributes ?? excluded).map((name) => pathOf(name, coreUrn, extensionUrns));
  const entries = Object.entries(resource).flatMap(([name, value]): [string, unknown][] => {
    if (always.includes(name)) return [[name, value]];
    const here = named.filter(([top]) => top === name.toLowerCase());
    const whole = here.some(([, sub]) => sub === undefined);
    const subs = here.map(([, sub]) => sub);
    if (attributes) {
      if (here.length === 0) return [];
      return [[name, whole ? value : pick(value, (sub) => subs.includes(sub))]];
    }
    return whole ? [] : [[name, here.length > 0 ? pick(value, (sub) => !subs.includes(sub)) : value]];
  });
  return Object.fromEntries(entries);
};

/** Whether the answer will hold an attribute of the core schema at all: some are dear to read. */
export const isWanted = (name: string, { attributes, excluded }: Projection, coreUrn: string): boolean => {
  const paths = (attributes ?? excluded).map((path) => pathOf(path, coreUrn, []));
  const named = paths.filter(([top]) => top === name.toLowerCase());
  return attributes ? named.length > 0 : !named.some(([, sub]) => sub === undefined);
};
