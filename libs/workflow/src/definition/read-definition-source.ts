import { isMap, isScalar, isSeq, Lexer, parseDocument, visit } from 'yaml';
import { checkJsonBounds } from '../json-bounds';
import { pointerTo, type Problem } from '../problem';

export type DefinitionSource = { text: string; mediaType: 'application/yaml' } | { json: unknown };

/** The largest definition, in bytes of UTF-8. */
export const MAX_DEFINITION_BYTES = 256 * 1024;

/** YAML's aliases multiply: a few hundred bytes can stand for gigabytes. */
const MAX_ALIASES = 50;
const MAX_FLOW_DEPTH = 64;
const MAX_INDENT = 200;
const MAX_COMPACT_NESTING = 32;

export type ReadDefinition = { ok: true; value: unknown; text: string } | { ok: false; errors: Problem[] };

function refused(message: string, pointer = ''): ReadDefinition {
  return { ok: false, errors: [{ pointer, message }] };
}

const TOO_BIG = `A definition must not be larger than ${MAX_DEFINITION_BYTES / 1024} KiB.`;
const TOO_DEEP = 'The definition is nested too deeply.';

/**
 * True if the text nests so deeply that composing it would exhaust the stack. This cannot be left to a caught
 * RangeError: V8 aborts the whole process when the stack runs out while it compiles a regular expression.
 */
function nestsTooDeeply(text: string): boolean {
  let flow = 0;
  let compact = 0;
  let lineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '\n' || lexeme === '\r\n') {
      lineStart = true;
      compact = 0;
      continue;
    }
    if (lexeme === '[' || lexeme === '{') flow += 1;
    else if (lexeme === ']' || lexeme === '}') flow -= 1;
    else if (lexeme === '-' || lexeme === '?' || lexeme === ':') compact += 1;
    if (lineStart && /^ +$/.test(lexeme) && lexeme.length > MAX_INDENT) return true;
    if (flow > MAX_FLOW_DEPTH || (flow === 0 && compact > MAX_COMPACT_NESTING)) return true;
    lineStart = false;
  }
  return false;
}

/** The library's own check of unique keys compares every pair of keys, which is quadratic in a hostile map. */
function keyProblems(document: ReturnType<typeof parseDocument>): Problem[] {
  const problems: Problem[] = [];
  const pointerOf = (path: readonly unknown[]) => {
    let pointer = '';
    path.forEach((node, index) => {
      const child = path[index + 1];
      if (isSeq(node)) pointer = pointerTo(pointer, node.items.indexOf(child));
      else if (isMap(node)) {
        const pair = child as { key?: unknown } | undefined;
        if (pair && isScalar(pair.key)) pointer = pointerTo(pointer, String(pair.key.value));
      }
    });
    return pointer;
  };
  visit(document, {
    Map(_key, map, path) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (problems.length >= 20) return visit.BREAK;
        if (!isScalar(key) || (typeof key.value === 'object' && key.value !== null)) {
          problems.push({ pointer: pointerOf([...path, map]), message: 'A key must be a plain text.' });
          continue;
        }
        const name = String(key.value);
        if (seen.has(name)) {
          problems.push({
            pointer: pointerTo(pointerOf([...path, map]), name),
            message: `The key ${JSON.stringify(name)} is given twice.`,
          });
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return problems;
}

function readYaml(text: string): ReadDefinition {
  if (new TextEncoder().encode(text).length > MAX_DEFINITION_BYTES) return refused(TOO_BIG);
  if (nestsTooDeeply(text)) return refused(TOO_DEEP);
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: true,
  });
  const faults = [...document.errors, ...document.warnings].slice(0, 20);
  if (faults.length > 0) {
    return {
      ok: false,
      errors: faults.map((fault) => {
        const [first = ''] = fault.message.split('\n');
        const sentence = first.replace(/ at line \d+, column \d+:?$/, '');
        const at = fault.linePos?.[0];
        const message = at ? `Line ${at.line}, column ${at.col}: ${sentence}` : sentence;
        return { pointer: '', message: `The YAML cannot be read. ${message}.` };
      }),
    };
  }
  const keys = keyProblems(document);
  if (keys.length > 0) return { ok: false, errors: keys };
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, text };
  } catch (error) {
    if (error instanceof ReferenceError) {
      return refused(
        `The YAML's aliases cannot be followed: they are unknown or stand for too much (limit ${MAX_ALIASES}).`,
      );
    }
    throw error;
  }
}

/**
 * Reads a definition into plain JSON at a bounded cost, whatever it holds. `text` is the author's own text of a YAML
 * source, and the indented JSON of a JSON source.
 */
export function readDefinitionSource(source: DefinitionSource): ReadDefinition {
  const read = 'json' in source ? { ok: true as const, value: source.json, text: '' } : readYaml(source.text);
  if (!read.ok) return read;
  const outOfBounds = checkJsonBounds(read.value);
  if (outOfBounds) return { ok: false, errors: [outOfBounds] };
  if (!('json' in source))
    return { ok: true, value: JSON.parse(JSON.stringify(read.value)) as unknown, text: read.text };
  const text = JSON.stringify(read.value, null, 2) ?? '';
  if (new TextEncoder().encode(JSON.stringify(read.value) ?? '').length > MAX_DEFINITION_BYTES)
    return refused(TOO_BIG);
  return { ok: true, value: JSON.parse(text) as unknown, text };
}
