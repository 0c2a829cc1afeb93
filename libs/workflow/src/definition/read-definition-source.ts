import { isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import { checkJsonBounds } from '../json-bounds';
import { pointerTo, type Problem } from '../problem';

export type DefinitionSource = { text: string; mediaType: 'application/yaml' } | { json: unknown };

/** The largest definition, in bytes of UTF-8. */
export const MAX_DEFINITION_BYTES = 256 * 1024;

/** YAML's aliases multiply: a few hundred bytes can stand for gigabytes. */
const MAX_ALIASES = 50;
/** The library looks through the whole text for what an alias stands for. */
const MAX_ALIAS_NODES = 1_000;
const MAX_FLOW_DEPTH = 64;
const MAX_INDENT = 200;
const MAX_COMPACT_NESTING = 32;

export type ReadDefinition = { ok: true; value: unknown; text: string } | { ok: false; errors: Problem[] };

function refused(message: string, pointer = ''): ReadDefinition {
  return { ok: false, errors: [{ pointer, message }] };
}

const TOO_BIG = `A definition must not be larger than ${MAX_DEFINITION_BYTES / 1024} KiB.`;
const TOO_MANY_ALIASES = `The YAML must not have more than ${MAX_ALIAS_NODES} aliases.`;
const TOO_DEEP = 'The definition is nested too deeply.';

/** The lexer says with it that a scalar follows. */
const SCALAR = '\u001f';

/**
 * Why the text must not be composed: it nests so deeply that this would exhaust the stack, or holds very many aliases. The
 * first cannot be left to a caught RangeError: V8 aborts the whole process when the stack runs out while it compiles a
 * regular expression.
 */
function lexicalProblem(text: string): string | null {
  let flow = 0;
  let compact = 0;
  let aliases = 0;
  let lineStart = true;
  let before = '';
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.startsWith('*') && before !== SCALAR) aliases += 1;
    if (aliases > MAX_ALIAS_NODES) return TOO_MANY_ALIASES;
    before = lexeme;
    if (lexeme === '\n' || lexeme === '\r\n') {
      lineStart = true;
      compact = 0;
      continue;
    }
    if (lexeme === '[' || lexeme === '{') flow += 1;
    else if (lexeme === ']' || lexeme === '}') flow -= 1;
    else if (lexeme === '-' || lexeme === '?' || lexeme === ':') compact += 1;
    if (lineStart && /^ +$/.test(lexeme) && lexeme.length > MAX_INDENT) return TOO_DEEP;
    if (flow > MAX_FLOW_DEPTH || (flow === 0 && compact > MAX_COMPACT_NESTING)) return TOO_DEEP;
    lineStart = false;
  }
  return null;
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

/** What the YAML library says, but for what only its caller could do about it. */
function faultWords({ code, message }: { code: string; message: string }): string {
  if (code === 'MULTIPLE_DOCS') return 'A second document begins, but a file holds one workflow';
  return message.split('\n')[0] ?? '';
}

function readYaml(text: string): ReadDefinition {
  if (new TextEncoder().encode(text).length > MAX_DEFINITION_BYTES) return refused(TOO_BIG);
  const problem = lexicalProblem(text);
  if (problem !== null) return refused(problem);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    // The library would look for the line of every fault, of which a hostile text has a hundred thousand.
    prettyErrors: false,
    lineCounter: lines,
  });
  const faults = [...document.errors, ...document.warnings].slice(0, 20);
  if (faults.length > 0) {
    return {
      ok: false,
      errors: faults.map((fault) => {
        const sentence = faultWords(fault);
        const { line, col } = lines.linePos(fault.pos[0]);
        return { pointer: '', message: `The YAML cannot be read. Line ${line}, column ${col}: ${sentence}.` };
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
