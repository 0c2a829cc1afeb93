import { isDeepStrictEqual } from 'node:util';
import type { FactContents } from '@countersign/contracts';
import { nobody, type PeopleChange } from './publish-people';

type ChangedResource = FactContents['directory.changed']['resources'][number];

/** Attributes as SCIM names them; those of extensions beside the others, as no two have the same name. */
export type Attributes = Readonly<Record<string, unknown>>;

/** What became of a user or a group. */
export interface ResourceChange extends Pick<ChangedResource, 'type' | 'id' | 'did' | 'attributes'> {
  /** Ids of those who joined and left a group, people and groups. */
  added: readonly string[];
  removed: readonly string[];
  /** The attributes that are others than before; nothing of what is deleted: it is in the log since it was written. */
  values: { before: Attributes; after: Attributes } | null;
  /** What they take as JSON. */
  bytes: number;
}

/** What a write has done to the directory. */
export interface DirectoryChange {
  /** For whom it matters. */
  people: PeopleChange;
  /** What has been written, and what has changed by that: groups and reports of somebody who is deleted. */
  resources: readonly ResourceChange[];
  /** How many more there are, of a bulk that has changed more than the log names. */
  unnamed?: number;
  /** Delegations that went with one of their people. */
  delegations: readonly FactContents['delegation.ended'][];
}

/** What a write gives that has changed nothing at all. */
export const nothing: DirectoryChange = { people: nobody, resources: [], delegations: [] };

/** Of what a resource was and is, the log keeps no more: bytes of JSON. Of attributes beyond that it says how long they are. */
const mostBytes = 16_000;

/** How a resource has changed, from what it was to what it is; `before` is null of a new one. */
export const resourceChange = (
  type: ResourceChange['type'],
  id: string,
  before: Attributes | null,
  after: Attributes,
  { added = [], removed = [] }: Partial<Pick<ResourceChange, 'added' | 'removed'>> = {},
): ResourceChange => {
  const was = before ?? {};
  const names = [...new Set([...Object.keys(was), ...Object.keys(after)])].filter(
    (name) => !isDeepStrictEqual(was[name], after[name]),
  );
  const hasMoved = added.length + removed.length > 0;
  const { values, bytes } = kept(names, was, after);
  return {
    type,
    id,
    did: before ? 'changed' : 'created',
    attributes: [...names, ...(hasMoved ? ['members'] : [])].sort(),
    added,
    removed,
    values: names.length > 0 ? values : null,
    bytes,
  };
};

/** A resource that is gone, and of a group who was in it. */
export const deletion = (
  type: ResourceChange['type'],
  id: string,
  removed: readonly string[] = [],
): ResourceChange => ({
  type,
  id,
  did: 'deleted',
  attributes: [],
  added: [],
  removed,
  values: null,
  bytes: 0,
});

/** The shortest first: those that decide who may approve are short. */
const kept = (names: readonly string[], before: Attributes, after: Attributes) => {
  const sized = names
    .flatMap((name) => [
      { at: 'before' as const, name, value: before[name] },
      { at: 'after' as const, name, value: after[name] },
    ])
    .filter(({ value }) => value !== undefined)
    .map((one) => ({ ...one, bytes: Buffer.byteLength(JSON.stringify(one.value)) }))
    .sort((a, b) => a.bytes - b.bytes);
  const values = { before: {} as Record<string, unknown>, after: {} as Record<string, unknown> };
  let bytes = 0;
  for (const { at, name, value, bytes: size } of sized) {
    const fits = bytes + size <= mostBytes;
    values[at][name] = fits ? value : { omittedBytes: size };
    if (fits) bytes += size;
  }
  return { values, bytes };
};
