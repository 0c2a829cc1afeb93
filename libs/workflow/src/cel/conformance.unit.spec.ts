import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  CelScalar,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  listType,
  mapType,
  parse,
  plan,
  type CelInput,
} from '@bufbuild/cel';
import type { Value } from '@bufbuild/cel-spec/cel/expr/value_pb.js';
import { getTestRegistry } from '@bufbuild/cel-spec/testdata/registry.js';
import { getConformanceSuite, type IncrementalTest } from '@bufbuild/cel-spec/testdata/tests.js';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { checkTypes } from './check-types';
import { lexicalProblem } from './cel-bounds';
import { baseEnv, MAX_STEPS, meter, meteredEnv, withSteps } from './metered-env';
import { DYN } from './shape';

// The suite of https://github.com/google/cel-spec, as @bufbuild/cel-spec carries it.

/** What conditions do not offer: payloads are JSON, so there are neither messages nor enums. */
const NOT_EXPOSED: Record<string, string> = {
  dynamic: 'protobuf messages',
  enums: 'protobuf messages',
  proto2: 'protobuf messages',
  proto3: 'protobuf messages',
  proto2_ext: 'protobuf messages',
  wrappers: 'protobuf messages',
  namespace: 'containers of names',
  type_deductions: 'types for tools: conditions have a checker of their own, tested beside it',
  unknowns: 'unknown values (the suite has no tests of them)',
  bindings_ext: 'extension',
  block_ext: 'extension',
  encoders_ext: 'extension',
  math_ext: 'extension',
  string_ext: 'extension',
  macros2: 'extension',
  optionals: 'extension',
};

/** Tests of exposed sections that conditions answer otherwise, and why that is right or harmless. */
const DEVIATIONS: Record<string, string> = {
  ...Object.fromEntries(
    ['slash', 'dash', 'dot'].map((name) => [
      `fields/quoted_map_fields/field_access_${name}`,
      'optional syntax: write payload["a-b"] instead of payload.`a-b`',
    ]),
  ),
  ...Object.fromEntries(
    ['slash', 'dash', 'dot'].map((name) => [
      `fields/quoted_map_fields/has_field_${name}`,
      'optional syntax: write "a-b" in payload instead of has(payload.`a-b`)',
    ]),
  ),
  'fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous':
    'a map literal with the keys 0 and 0u is no error; the reference implementation gives a value, too',
};

const registry = getTestRegistry();

function usesMessages({ original }: IncrementalTest): boolean {
  const objects = Object.values(original.bindings).some(
    ({ kind }) => kind.case === 'value' && kind.value.kind.case === 'objectValue',
  );
  return objects || original.container !== '' || /TestAllTypes|google\.protobuf/.test(original.expr);
}

const TYPES: Record<string, CelInput> = {
  int: CelScalar.INT,
  uint: CelScalar.UINT,
  double: CelScalar.DOUBLE,
  bool: CelScalar.BOOL,
  string: CelScalar.STRING,
  bytes: CelScalar.BYTES,
  null_type: CelScalar.NULL,
  type: CelScalar.TYPE,
  list: listType(CelScalar.DYN),
  map: mapType(CelScalar.DYN, CelScalar.DYN),
};

function bound({ kind }: Value): CelInput {
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'uint64Value':
      return celUint(kind.value);
    case 'listValue':
      return kind.value.values.map(bound);
    case 'mapValue':
      return new Map(
        kind.value.entries.map(({ key, value }) => {
          if (!key || !value) throw new Error('an entry without key or value');
          return [bound(key) as string, bound(value)];
        }),
      );
    case 'typeValue':
      return TYPES[kind.value] ?? kind.value;
    case 'boolValue':
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value;
    case 'enumValue':
    case 'objectValue':
    case undefined:
      throw new Error(`a binding that is a ${kind.case}`);
  }
}

type Plain = [string, unknown];

const sorted = (entries: [Plain, Plain][]) =>
  entries.map((entry) => JSON.stringify(entry)).sort((a, b) => (a < b ? -1 : 1));

const real = (value: number) => (Object.is(value, -0) ? '0' : String(value));

function message(value: { $typeName: string; seconds?: bigint; nanos?: number }): Plain {
  return [value.$typeName, `${String(value.seconds)}s ${String(value.nanos)}ns`];
}

/** Both what is expected and what comes out, as something that can be compared. */
function expectedValue({ kind }: Value): Plain {
  switch (kind.case) {
    case 'nullValue':
      return ['null', null];
    case 'int64Value':
    case 'uint64Value':
      return [kind.case, String(kind.value)];
    case 'doubleValue':
      return [kind.case, real(kind.value)];
    case 'bytesValue':
      return [kind.case, [...kind.value].join()];
    case 'listValue':
      return [kind.case, kind.value.values.map(expectedValue)];
    case 'mapValue':
      return [
        kind.case,
        sorted(
          kind.value.entries.map(({ key, value }) => {
            if (!key || !value) throw new Error('an entry without key or value');
            return [expectedValue(key), expectedValue(value)];
          }),
        ),
      ];
    case 'objectValue': {
      const unpacked = anyUnpack(kind.value, registry);
      if (!unpacked) throw new Error(`an unknown message ${kind.value.typeUrl}`);
      return message(unpacked);
    }
    case 'boolValue':
    case 'stringValue':
    case 'typeValue':
      return [kind.case, kind.value];
    case 'enumValue':
    case undefined:
      throw new Error(`a result that is a ${kind.case}`);
  }
}

function givenValue(value: unknown): Plain {
  if (value === null) return ['null', null];
  if (typeof value === 'bigint') return ['int64Value', String(value)];
  if (typeof value === 'number') return ['doubleValue', real(value)];
  if (typeof value === 'boolean') return ['boolValue', value];
  if (typeof value === 'string') return ['stringValue', value];
  if (value instanceof Uint8Array) return ['bytesValue', [...value].join()];
  if (isCelUint(value)) return ['uint64Value', String(value.value)];
  if (isCelType(value)) return ['typeValue', value.name];
  if (isCelList(value)) return ['listValue', [...value].map(givenValue)];
  if (isCelMap(value))
    return ['mapValue', sorted([...value].map(([key, member]) => [givenValue(key), givenValue(member)]))];
  if (isReflectMessage(value)) return message(value.message as never);
  throw new Error('a value of no known kind');
}

/** Just as conditions are run: parsed, metered, planned in the metered environment, with so many steps. */
function run({ original }: IncrementalTest): { failed: boolean; value: unknown } {
  const bindings = Object.fromEntries(
    Object.entries(original.bindings).map(([name, { kind }]) => {
      if (kind.case !== 'value') throw new Error(`a binding that is a ${kind.case}`);
      return [name, bound(kind.value)];
    }),
  );
  const { expr } = parse(original.expr);
  meter(expr);
  const planned = plan(meteredEnv, expr) as (bound: Record<string, CelInput>) => unknown;
  const { result } = withSteps(MAX_STEPS, () => planned(bindings));
  return { failed: isCelError(result), value: result };
}

/** Null if the test passes, else what came out. */
function fault(test: IncrementalTest): string | null {
  const { resultMatcher } = test.original;
  let outcome: { failed: boolean; value: unknown };
  try {
    outcome = run(test);
  } catch (error) {
    return `cannot be run: ${String(error)}`;
  }
  if (resultMatcher.case === 'evalError' || resultMatcher.case === 'anyEvalErrors')
    return outcome.failed ? null : `gives ${JSON.stringify(givenValue(outcome.value))} instead of an error`;
  if (outcome.failed) return `fails: ${String(outcome.value)}`;
  if (resultMatcher.case !== undefined && resultMatcher.case !== 'value')
    return `expects a ${resultMatcher.case}`;
  const expected = resultMatcher.case === 'value' ? expectedValue(resultMatcher.value) : ['boolValue', true];
  const [given, wanted] = [JSON.stringify(givenValue(outcome.value)), JSON.stringify(expected)];
  return given === wanted ? null : `gives ${given} instead of ${wanted}`;
}

const sections = getConformanceSuite().suites;
const exposed = sections
  .filter(({ name }) => NOT_EXPOSED[name] === undefined)
  .flatMap((section) =>
    section.suites.flatMap((part) =>
      part.tests.map((test) => ({
        name: `${section.name}/${part.name}/${test.name}`,
        section: section.name,
        test,
      })),
    ),
  );
const tests = exposed.filter(({ test }) => !usesMessages(test));

describe('the conformance suite of CEL', () => {
  it('passes for everything that conditions offer', () => {
    const faults = tests.flatMap(({ name, test }) => {
      const found = fault(test);
      return found === null ? [] : [{ name, found }];
    });
    const names = [...new Set(tests.map(({ section }) => section))];
    process.stdout.write(
      `CEL conformance: ${tests.length - faults.length} of ${tests.length} exposed tests pass in ${names.length} sections; ` +
        `${exposed.length - tests.length} tests of these sections need protobuf messages; ` +
        `${sections.length - names.length} sections we do not expose\n`,
    );
    expect(faults.filter(({ name }) => DEVIATIONS[name] === undefined)).toEqual([]);
    expect(faults.map(({ name }) => name).sort()).toEqual(Object.keys(DEVIATIONS).sort());
    expect(tests.length).toBeGreaterThan(1_000);
    const documented = readFileSync(path.resolve(__dirname, '../../../../docs/workflows.md'), 'utf8');
    expect(documented).toContain(`${tests.length - faults.length} of ${tests.length}`);
  });

  it('is not refused by the type check where it gives a value', () => {
    const valued = tests.filter(
      ({ name, test: { original } }) =>
        DEVIATIONS[name] === undefined &&
        !original.disableCheck &&
        (original.resultMatcher.case === 'value' || original.resultMatcher.case === undefined),
    );
    const refused = valued.flatMap(({ name, test: { original } }) => {
      const variables = Object.fromEntries(
        Object.keys(original.bindings).map((key) => [key.split('.')[0] ?? key, DYN]),
      );
      const lexical = lexicalProblem(original.expr, 'condition');
      const { messages } = checkTypes(parse(original.expr).expr, variables, baseEnv.funcs);
      return [...(lexical === null ? [] : [lexical]), ...messages].map((found) => ({
        name,
        expr: original.expr,
        found,
      }));
    });
    expect(refused).toEqual([]);
  });

  it('knows every section, exposed or not', () => {
    const names = sections.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(NOT_EXPOSED)));
    expect(new Set(tests.map(({ section }) => section))).toEqual(
      new Set([
        'basic',
        'comparisons',
        'conversions',
        'fields',
        'fp_math',
        'integer_math',
        'lists',
        'logic',
        'macros',
        'parse',
        'plumbing',
        'string',
        'timestamps',
      ]),
    );
  });
});
