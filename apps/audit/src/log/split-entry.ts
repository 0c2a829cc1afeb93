import { canonicalJson, MAX_BUNDLED_LEAF } from '@countersign/merkle-log';
import { v5 } from 'uuid';
import type { LogEntry, PersonalData } from './log-entry';

/** The type of an entry that carries on where another had no room. */
export const continuedType = 'entry.continued';

/** Of content, and of the list of what is sealed, that an entry keeps when it is split: bytes of JSON. */
const kept = 24_000;
/** A character takes three bytes at most, a quotation mark two: with all that stands around it a part fits. */
const partCharacters = 20_000;
const partSealed = 40_000;
/** `{"commitment":"…44…","kind":"","subject":"…36…"},` */
const sealedBytes = 44 + 36 + 45;

/**
 * An entry bundle cannot hold a leaf above 65,535 bytes, and some facts are longer, such as a queue of 20,000 people. Such
 * a fact becomes itself, with what fits, and entries that carry on:
 * - `content.continued` says in how many parts; each part says in its content what it `continues`, and which `part` of how many `parts` it is
 * - the `text` of all parts, put together, is the RFC 8785 JSON of the members of the content that are not in the fact itself
 * - what is sealed follows in the order of the fact, each under the entry in whose leaf it is.
 */
export const splitEntry = (entry: LogEntry): LogEntry[] => {
  const members = Object.entries(entry.content)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value, bytes: Buffer.byteLength(canonicalJson({ [name]: value })) }))
    .sort((a, b) => a.bytes - b.bytes);
  let room = kept;
  const fitting = members.filter(({ bytes }) => (room -= bytes) >= 0);
  const moved = members.slice(fitting.length);
  const texts = moved.length > 0 ? slices(canonicalJson(membersOf(moved))) : [];
  const [own = [], ...groups] = grouped(entry.personal);
  const parts = [
    ...texts.map((text) => ({ text, personal: [] as PersonalData[] })),
    ...groups.map((personal) => ({ text: null, personal })),
  ];
  return [
    { ...entry, content: { ...membersOf(fitting), continued: { parts: parts.length } }, personal: own },
    ...parts.map(({ text, personal }, n) => ({
      ...entry,
      // The same for the same fact: no part can be in the log twice.
      id: v5(`${continuedType} ${n + 1}`, entry.id),
      type: continuedType,
      taskId: null,
      content: {
        continues: entry.id,
        part: n + 1,
        parts: parts.length,
        ...(text === null ? {} : { text }),
      },
      personal,
    })),
  ];
};

/**
 * Facts with their whole content again, without the entries that carried them on; in the order of the log, from which none is
 * taken out. What is sealed stays where it is. Parts whose fact is not among them are left as they are.
 */
export const joinContents = <E extends { type: string; content: Record<string, unknown> }>(
  entries: readonly E[],
): E[] => {
  const joined: { entry: E; text: string; left: number }[] = [];
  for (const entry of entries) {
    const fact = joined.at(-1);
    if (entry.type === continuedType && fact && fact.left > 0) {
      fact.text += typeof entry.content.text === 'string' ? entry.content.text : '';
      fact.left -= 1;
      continue;
    }
    joined.push({ entry, text: '', left: partsOf(entry.content) });
  }
  return joined.map(({ entry, text, left }) => {
    if (left > 0 || !('continued' in entry.content)) return entry;
    const { continued: _, ...content } = entry.content;
    return { ...entry, content: { ...content, ...(JSON.parse(text || '{}') as object) } };
  });
};

const partsOf = ({ continued }: Record<string, unknown>): number =>
  typeof continued === 'object' && continued !== null && 'parts' in continued ? Number(continued.parts) : 0;

export const isTooLong = (leaf: Uint8Array): boolean => leaf.length > MAX_BUNDLED_LEAF;

const membersOf = (members: readonly { name: string; value: unknown }[]): Record<string, unknown> =>
  Object.fromEntries(members.map(({ name, value }) => [name, value]));

/** No slice ends within a character. */
const slices = (text: string): string[] => {
  const result: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + partCharacters, text.length);
    if (to < text.length && /[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to -= 1;
    result.push(text.slice(from, to));
    from = to;
  }
  return result;
};

/** The first group is for the entry itself. */
const grouped = (personal: readonly PersonalData[]): PersonalData[][] => {
  const groups: PersonalData[][] = [];
  let room = 0;
  for (const item of personal) {
    const bytes = sealedBytes + Buffer.byteLength(canonicalJson(item.kind));
    if (groups.length === 0 || room < bytes) {
      groups.push([]);
      room = groups.length === 1 ? kept : partSealed;
    }
    groups.at(-1)!.push(item);
    room -= bytes;
  }
  return groups;
};
