import { compileCondition } from '../cel/compile-condition';
import { compileExpression } from '../cel/compile-expression';
import type { Shape } from '../cel/shape';
import { pointerTo } from '../problem';
import type { CompiledSource } from './compiled-definition';
import type { ApproverSource, ManagerSource, RefOrField } from './workflow-definition';

/** Compiles the rules of one stage and gathers what they read. Throws what `parseDefinition` would have refused. */
export class RuleCompiler {
  readonly reads = new Set<string>();
  readonly unguarded: { pointer: string; path: string }[] = [];

  constructor(private readonly variables: Record<string, Shape>) {}

  condition(text: string, pointer: string) {
    return this.checked(compileCondition(text, this.variables), pointer).condition;
  }

  ref(ref: RefOrField): RefOrField {
    if (typeof ref === 'object') this.reads.add(ref.field);
    return ref;
  }

  sources(sources: ApproverSource[], pointer: string): CompiledSource[] {
    return sources.map((source, index) => this.source(source, pointerTo(pointer, index)));
  }

  private source(source: ApproverSource, pointer: string): CompiledSource {
    if ('user' in source) return { user: this.ref(source.user) };
    if ('group' in source) return { group: this.ref(source.group) };
    if ('role' in source) return { role: source.role };
    if ('field' in source) return { user: this.ref({ field: source.field }) };
    if ('manager' in source) return this.manager(source.manager);
    if ('expression' in source) {
      const at = `${pointer}/expression`;
      return {
        expression: this.checked(compileExpression(source.expression, this.variables), at).expression,
      };
    }
    if ('matrix' in source) {
      const rows = source.matrix.map(({ when, to }, index) => {
        const row = pointerTo(`${pointer}/matrix`, index);
        return { when: this.condition(when, `${row}/when`), to: this.sources(to, `${row}/to`) };
      });
      return { matrix: rows };
    }
    this.reads.add('payload');
    const { url, format = 'easylife', timeout = 'PT10S' } = source.webhook;
    return { webhook: { url, format, timeout } };
  }

  private manager({ of = 'requester', levels = 1, untilLimit }: ManagerSource): CompiledSource {
    if (untilLimit === undefined) return { manager: { of, levels } };
    if (typeof untilLimit === 'string') this.reads.add(untilLimit);
    return { manager: { of, untilLimit } };
  }

  private checked<
    T extends {
      ok: true;
      unguarded: string[];
      condition?: { reads: string[] };
      expression?: { reads: string[] };
    },
  >(compiled: T | { ok: false; messages: string[] }, pointer: string): T {
    if (!compiled.ok)
      throw new Error(`not a definition that parseDefinition accepted: ${compiled.messages.join(' ')}`);
    for (const path of (compiled.condition ?? compiled.expression)?.reads ?? []) this.reads.add(path);
    this.unguarded.push(...compiled.unguarded.map((path) => ({ pointer, path })));
    return compiled;
  }
}
