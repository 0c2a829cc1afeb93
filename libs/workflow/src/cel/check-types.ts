import type { CelEnv, CelType } from '@bufbuild/cel';
import type { CelExpr } from './cel-expr';
import { pathOf } from './cel-paths';
import { notNull, presentWhen } from './guards';
import { linearRegExp } from '../json-schema';
import { OPERATORS } from './operators';
import { DYN, type Shape, type ShapeType } from './shape';

type Scope = ReadonlyMap<string, Shape>;

const TYPE_NAMES = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);
const NUMBERS = new Set<ShapeType>(['int', 'uint', 'double']);
const GUARDING = new Set(['_&&_', '_||_', '_?_:_']);

/** What is surely there when an operand matters: `&&` and `||` forgive an error of one side if the other decides. */
function guardsOf(name: string, args: CelExpr[], index: number): string[] {
  if (name === '_?_:_') return index === 0 ? [] : presentWhen(args[0], index === 1);
  return args.flatMap((other, at) => (at === index ? [] : presentWhen(other, name === '_&&_')));
}

function typeOf(type: CelType): ShapeType {
  switch (type.name) {
    case 'null_type':
      return 'null';
    case 'google.protobuf.Timestamp':
      return 'timestamp';
    case 'google.protobuf.Duration':
      return 'duration';
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'string':
    case 'bytes':
    case 'list':
    case 'map':
    case 'type':
      return type.name;
    default:
      return 'dyn';
  }
}

function accepts(expected: CelType, given: Shape): boolean {
  const type = typeOf(expected);
  return type === 'dyn' || given.type === 'dyn' || type === given.type;
}

/** The library checks constants and names only: this follows members, operators, functions and macros as well. */
class TypeCheck {
  readonly messages: string[] = [];
  /** Members that are read where they need not be there, or used where they may be null. */
  readonly unguarded = new Set<string>();
  private present: string[] = [];

  constructor(private readonly funcs: CelEnv['funcs']) {}

  infer(expr: CelExpr, scope: Scope): Shape {
    const kind = expr.exprKind;
    switch (kind.case) {
      case 'constExpr':
        return this.inferConstant(kind.value.constantKind.case ?? '');
      case 'identExpr':
        return this.inferName(kind.value.name, scope);
      case 'selectExpr':
        return kind.value.operand
          ? this.inferMember(kind.value.operand, kind.value.field, kind.value.testOnly, scope)
          : DYN;
      case 'callExpr': {
        return this.inferCall(kind.value.function, kind.value.target, kind.value.args, scope);
      }
      case 'listExpr': {
        const elements = kind.value.elements.map((element) => this.infer(element, scope));
        const first = elements[0];
        const alike = first && elements.every((element) => element.type === first.type);
        return { type: 'list', element: alike ? { type: first.type } : DYN };
      }
      case 'structExpr':
        if (kind.value.messageName !== '') this.say(`${kind.value.messageName} is not a known type.`);
        for (const entry of kind.value.entries) {
          if (entry.keyKind.case === 'mapKey') this.infer(entry.keyKind.value, scope);
          if (entry.value) this.infer(entry.value, scope);
        }
        return { type: 'map', open: true };
      case 'comprehensionExpr': {
        const loop = kind.value;
        const range = loop.iterRange ? this.infer(loop.iterRange, scope) : DYN;
        if (!['list', 'map', 'dyn'].includes(range.type)) this.say(`A ${range.type} cannot be looped over.`);
        const item = range.type === 'list' ? (range.element ?? DYN) : DYN;
        const accumulator = loop.accuInit ? this.infer(loop.accuInit, scope) : DYN;
        const inner = new Map(scope).set(loop.iterVar, item).set(loop.accuVar, accumulator);
        if (loop.loopCondition) this.infer(loop.loopCondition, inner);
        if (loop.loopStep) this.infer(loop.loopStep, inner);
        return loop.result ? this.infer(loop.result, inner) : DYN;
      }
      case undefined:
        return DYN;
    }
  }

  private inferConstant(kind: string): Shape {
    switch (kind) {
      case 'boolValue':
        return { type: 'bool' };
      case 'int64Value':
        return { type: 'int' };
      case 'uint64Value':
        return { type: 'uint' };
      case 'doubleValue':
        return { type: 'double' };
      case 'stringValue':
        return { type: 'string' };
      case 'bytesValue':
        return { type: 'bytes' };
      case 'nullValue':
        return { type: 'null' };
      default:
        return DYN;
    }
  }

  private inferName(name: string, scope: Scope): Shape {
    const known = scope.get(name);
    if (known) return known;
    if (TYPE_NAMES.has(name)) return { type: 'type' };
    this.say(`${name} is not known: a condition may use payload, requester, request and stages.`);
    return DYN;
  }

  private inferMember(operand: CelExpr, name: string, testOnly: boolean, scope: Scope): Shape {
    const parent = this.infer(operand, scope);
    const path = pathOf(operand)?.join('.');
    const full = path && `${path}.${name}`;
    if (parent.type !== 'map' && parent.type !== 'dyn') {
      this.say(`${path ?? `A ${parent.type}`} has no member ${name}: it is a ${parent.type}.`);
      return DYN;
    }
    const member = parent.fields?.get(name);
    if (!member && parent.fields && parent.open === false) {
      const known = [...parent.fields.keys()].slice(0, 20).join(', ');
      const longer = [...parent.fields.keys()].find((key) => key.startsWith(`${name}-`));
      const hint = longer ? ` Write ${path ?? 'it'}["${longer}"] for a name with a dash.` : '';
      this.say(`${full ?? name} does not exist${known ? `: there are only ${known}` : ''}.${hint}`);
      return DYN;
    }
    if (testOnly) return { type: 'bool' };
    if (full && member?.optional && !this.present.includes(full)) this.unguarded.add(full);
    if (full && member?.nullable && this.present.includes(notNull(full)))
      return { ...member, nullable: false };
    return member ?? DYN;
  }

  private inferCall(name: string, owner: CelExpr | undefined, args: CelExpr[], scope: Scope): Shape {
    const target = owner && this.infer(owner, scope);
    const given = args.map((arg, index) =>
      this.inferGuarded(arg, scope, GUARDING.has(name) ? guardsOf(name, args, index) : []),
    );
    const [first = DYN, second = DYN, third = DYN] = given;
    switch (name) {
      case '_&&_':
      case '_||_':
        given.forEach((operand) => this.expectBool(operand, OPERATORS[name] ?? name));
        return { type: 'bool' };
      case '@not_strictly_false':
        return { type: 'bool' };
      case '_?_:_':
        this.expectBool(first, '?:');
        return second.type === third.type ? (second.nullable ? second : third) : DYN;
      case '_[_]': {
        const key = args[1]?.exprKind;
        const constant = key?.case === 'constExpr' ? key.value.constantKind : undefined;
        if (args[0] && constant?.case === 'stringValue')
          return this.inferMember(args[0], constant.value, false, scope);
        return first.element ?? DYN;
      }
      case '_==_':
      case '_!=_': {
        const unlike = first.type !== second.type && !(NUMBERS.has(first.type) && NUMBERS.has(second.type));
        if (unlike && ![first.type, second.type].some((type) => type === 'dyn' || type === 'null')) {
          this.say(`A ${first.type} can never equal a ${second.type}.`);
        }
        return { type: 'bool' };
      }
      case 'matches':
        this.checkPattern(args.at(-1));
        return this.inferFunction(name, target, given, [owner, ...args]);
      default:
        return this.inferFunction(name, target, given, [owner, ...args]);
    }
  }

  private inferGuarded(expr: CelExpr, scope: Scope, guards: string[]): Shape {
    const outside = this.present;
    if (guards.length > 0) this.present = [...outside, ...guards];
    const shape = this.infer(expr, scope);
    this.present = outside;
    return shape;
  }

  private inferFunction(
    name: string,
    target: Shape | undefined,
    given: Shape[],
    exprs: (CelExpr | undefined)[],
  ): Shape {
    const group = this.funcs.find(name);
    const shown = OPERATORS[name] ?? name;
    if (!group) {
      this.say(`There is no function ${shown}.`);
      return DYN;
    }
    const fittingFor = ([owner, ...shapes]: (Shape | undefined)[]) =>
      [...group].filter(
        (func) =>
          (func.target === undefined) === (owner === undefined) &&
          (func.target === undefined || owner === undefined || accepts(func.target, owner)) &&
          func.arguments.length === shapes.length &&
          func.arguments.every((type, index) => accepts(type, shapes[index] ?? DYN)),
      );
    const shapes = [target, ...given];
    const fitting = fittingFor(shapes);
    if (fitting.length === 0) {
      const types = [target, ...given].filter((shape) => shape !== undefined).map((shape) => shape.type);
      const mixed = types.includes('int') && types.includes('double');
      const hint = mixed ? '. Numbers of a payload are doubles: write 2.0 instead of 2' : '';
      this.say(`${shown} cannot be used with ${types.join(' and ') || 'nothing'}${hint}.`);
      return DYN;
    }
    shapes.forEach((shape, at) => {
      const path = shape?.nullable && pathOf(exprs[at]);
      if (path && fittingFor(shapes.with(at, { type: 'null' })).length === 0)
        this.unguarded.add(path.join('.'));
    });
    const results = new Set(fitting.map((func) => typeOf(func.result)));
    const [only] = results;
    return results.size === 1 && only ? { type: only } : DYN;
  }

  private checkPattern(expr: CelExpr | undefined): void {
    const constant = expr?.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind : undefined;
    if (constant?.case !== 'stringValue') return;
    try {
      linearRegExp(constant.value);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.say(
        `The pattern ${JSON.stringify(constant.value)} cannot be used: ${reason}.`.replace(/\.\.$/, '.'),
      );
    }
  }

  private expectBool(shape: Shape, operator: string): void {
    if (shape.type !== 'bool' && shape.type !== 'dyn')
      this.say(`${operator} needs true or false, but is given a ${shape.type}.`);
  }

  private say(message: string): void {
    if (!this.messages.includes(message) && this.messages.length < 10) this.messages.push(message);
  }
}

/** Infers the type of an expression; `messages` tell what can never work, `unguarded` what may be missing, or null, at run time. */
export function checkTypes(
  expr: CelExpr,
  variables: Record<string, Shape>,
  funcs: CelEnv['funcs'],
): { shape: Shape; messages: string[]; unguarded: string[] } {
  const check = new TypeCheck(funcs);
  const shape = check.infer(expr, new Map(Object.entries(variables)));
  return { shape, messages: check.messages, unguarded: [...check.unguarded] };
}
