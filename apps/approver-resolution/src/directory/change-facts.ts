import type { Fact, FactContents } from '@countersign/contracts';
import type { DirectoryChange, ResourceChange } from './directory-change';

type Changed = FactContents['directory.changed'];
type ChangedResource = Changed['resources'][number];

/** What one entry of the log names: with so much it seldom has to be split. What is longer has several. */
const most = { resources: 100, members: 500, bytes: 256 * 1024 };
/** What a call names, resources and members together; one resource is never cut. As many as a group may have members. */
const mostNamed = 100_000;

/** What the log is told of a change. */
export type ChangeFacts = (
  | { type: 'directory.changed'; content: Changed; personal: Fact['personal'] }
  | { type: 'delegation.ended'; content: FactContents['delegation.ended'] }
)[];

/** The resources that a call has changed, in the order in which it did; those above the bound are only counted. */
export class NamedResources {
  readonly named: ResourceChange[] = [];
  unnamed = 0;
  private room = mostNamed;

  add(changes: readonly ResourceChange[]): void {
    for (const change of changes) {
      if (this.room <= 0) {
        this.unnamed++;
        continue;
      }
      this.named.push(change);
      this.room -= 1 + change.added.length + change.removed.length;
    }
  }
}

/** @param directoryVersion of the directory, as of this change */
export const factsOf = (
  operation: Changed['operation'],
  { people: { changed, affected, deleted }, resources, unnamed = 0, delegations }: DirectoryChange,
  directoryVersion: number,
): ChangeFacts => {
  const pages = pagesOf(resources);
  const counts = {
    resources: resources.length + unnamed,
    unnamed,
    changed: changed.length,
    affected: affected.length,
    deleted: deleted.length,
  };
  return [
    ...pages.map((page, n) => ({
      type: 'directory.changed' as const,
      content: {
        operation,
        part: n + 1,
        parts: pages.length,
        resources: page.map(({ named }) => named),
        counts,
        directoryVersion,
      },
      personal: page.flatMap(({ sealed }) => sealed),
    })),
    ...delegations.map((content) => ({ type: 'delegation.ended' as const, content })),
  ];
};

/** A resource as an entry names it, or as much of its members. */
interface Item {
  named: ChangedResource;
  sealed: Fact['personal'];
  members: number;
  bytes: number;
}

const pagesOf = (resources: readonly ResourceChange[]): Item[][] => {
  const pages: Item[][] = [[]];
  let [members, bytes] = [0, 0];
  for (const item of resources.flatMap(itemsOf)) {
    const page = pages.at(-1);
    const isFull =
      page?.length === most.resources ||
      members + item.members > most.members ||
      bytes + item.bytes > most.bytes;
    if (!page || (isFull && page.length > 0)) {
      pages.push([item]);
      [members, bytes] = [0, 0];
    } else page.push(item);
    members += item.members;
    bytes += item.bytes;
  }
  return pages;
};

const itemsOf = (change: ResourceChange): Item[] => {
  const { type, id, did, attributes, added, removed, bytes } = change;
  const moves = [
    ...removed.map((member) => ({ member, joins: false })),
    ...added.map((member) => ({ member, joins: true })),
  ];
  return Array.from({ length: Math.max(1, Math.ceil(moves.length / most.members)) }, (_, n) => {
    const slice = moves.slice(n * most.members, (n + 1) * most.members);
    const those = (joins: boolean) =>
      slice.filter((move) => move.joins === joins).map(({ member }) => member);
    const [joined, left] = [those(true), those(false)];
    return {
      named: {
        type,
        id,
        did,
        attributes,
        ...(joined.length > 0 ? { added: joined } : {}),
        ...(left.length > 0 ? { removed: left } : {}),
      },
      sealed: n === 0 ? sealedOf(change) : [],
      members: slice.length,
      bytes: n === 0 ? bytes : 0,
    };
  });
};

/** Of a person for that person; the name of a group for whoever acted. */
const sealedOf = ({ type, id, values }: ResourceChange): Fact['personal'] => {
  if (values === null) return [];
  return type === 'User'
    ? [{ subject: id, kind: 'directory', data: values }]
    : [{ subject: null, kind: 'words', data: { id, ...values } }];
};
