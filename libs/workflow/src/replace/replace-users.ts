import { isAlias, isCollection, isScalar, parseDocument, type Document, type Scalar } from 'yaml';
import type { DefinitionSource } from '../definition/read-definition-source';
import type { WorkflowDefinition } from '../definition/workflow-definition';
import { refsIn } from '../lint/refs-in';

/** A definition as it is kept, with its author's text. */
export interface KeptDefinition {
  definition: WorkflowDefinition;
  text: string;
  mediaType: string;
}

export interface ReplacedUsers {
  /** Where somebody was named, from the definition's root. */
  pointers: string[];
  /** The definition with the others in these places, not checked yet. */
  source: DefinitionSource;
}

const namesOf = (pointer: string): string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Texts that YAML reads as themselves without quotes, whatever stands around them. */
const isPlain = (text: string): boolean => /^[a-z][\w.+-]*@[\w.-]*\w$/i.test(text);

/**
 * Names others in place of users: `other` says whom for a ref, or null to leave it. Of YAML everything else stays as its author
 * wrote it, comments too. Null when nobody is named whom it is about.
 */
export function replaceUsers(
  { definition, text, mediaType }: KeptDefinition,
  other: (ref: string) => string | null,
): ReplacedUsers | null {
  const places = refsIn(definition).users.flatMap(({ ref, pointer }) => {
    const to = other(ref);
    return to === null ? [] : [{ pointer, to }];
  });
  if (places.length === 0) return null;
  const pointers = places.map(({ pointer }) => pointer);
  if (mediaType !== 'application/yaml') {
    const json = structuredClone(definition) as unknown;
    for (const { pointer, to } of places) setAt(json, namesOf(pointer), to);
    return { pointers, source: { json } };
  }
  const document = parseDocument(text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false });
  // What an alias stands for is written once, however many places it names somebody in.
  const edits = new Map<number, { end: number; to: string }>();
  for (const { pointer, to } of places) {
    const range = scalarAt(document, namesOf(pointer))?.range;
    if (range) edits.set(range[0], { end: range[1], to: isPlain(to) ? to : JSON.stringify(to) });
  }
  const replaced = [...edits]
    .sort(([a], [b]) => b - a)
    .reduce((rest, [start, { end, to }]) => rest.slice(0, start) + to + rest.slice(end), text);
  return { pointers, source: { text: replaced, mediaType: 'application/yaml' } };
}

function setAt(value: unknown, [name = '', ...rest]: string[], to: string): void {
  const parent = value as Record<string, unknown>;
  if (rest.length === 0) parent[name] = to;
  else setAt(parent[name], rest, to);
}

function scalarAt(document: Document, names: readonly string[]): Scalar | null {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  let node = resolved(document.contents);
  for (const name of names) {
    if (!isCollection(node)) return null;
    node = resolved(node.get(name, true));
  }
  return isScalar(node) ? node : null;
}
