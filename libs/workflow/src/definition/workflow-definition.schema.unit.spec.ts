import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { workflowDefinitionSchema } from './workflow-definition.schema';

type Schema = Record<string, unknown>;

const fixture = (name: string) =>
  parse(readFileSync(join(__dirname, '../../test', name), 'utf8')) as Record<string, unknown>;

/** As an editor validates: with the schema alone, and nothing of ours. */
const ajv = new Ajv2020({ strict: false });
const validate = ajv.compile(workflowDefinitionSchema);

describe('the JSON Schema of definitions', () => {
  it('is a valid schema of the 2020-12 dialect', () => {
    expect(workflowDefinitionSchema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(ajv.validateSchema(workflowDefinitionSchema)).toBe(true);
    expect(JSON.parse(JSON.stringify(workflowDefinitionSchema))).toEqual(workflowDefinitionSchema);
  });

  it.each([['purchase-order.yaml'], ['whole-language.yaml']])('accepts %s', (name) => {
    validate(fixture(name));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each([
    ['quorum', ['any', 'all', 'majority', { approvals: 2 }, { percent: 66.6 }]],
    ['reject', ['any', 'unreachable', { rejections: 2 }]],
    ['selfApproval', ['forbid', 'reroute', 'allow']],
    ['onNoApprovers', ['fail', 'skip', 'approve', { fallback: [{ user: 'a' }] }]],
    ['onReject', ['reject', 'return']],
    ['order', ['parallel', 'sequential']],
    ['comment', ['optional', 'required', 'required-on-reject']],
    ['sla', ['PT24H', { field: 'payload.dueBy' }]],
    ['expire', ['reject', 'approve', 'cancel', 'expire'].map((outcome) => ({ after: 'P1D', outcome }))],
    ['escalate', ['add', 'replace'].map((mode) => [{ after: 'P1D', to: [{ user: 'a' }], mode }])],
  ])('accepts every form of %s, and no other', (name, forms: unknown[]) => {
    const accepts = (value: unknown) =>
      validate({ key: 'w', stages: [{ key: 'a', approvers: [{ user: 'x' }], [name]: value }] });
    for (const form of forms) expect([form, accepts(form)]).toEqual([form, true]);
    expect(accepts('something else')).toBe(name === 'sla');
    expect(accepts({ other: 1 })).toBe(false);
    expect(accepts(null)).toBe(false);
  });

  it('describes every key that an author can write', () => {
    const missing: string[] = [];
    const visit = (schema: unknown, path: string) => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties, ...rest } = schema as Schema;
      if (typeof properties === 'object' && properties !== null) {
        for (const [name, member] of Object.entries(properties as Record<string, Schema>)) {
          const target =
            typeof member.$ref === 'string'
              ? (workflowDefinitionSchema.$defs as Record<string, Schema>)[
                  member.$ref.slice('#/$defs/'.length)
                ]
              : undefined;
          if (typeof member.description !== 'string' && typeof target?.description !== 'string')
            missing.push(`${path}.${name}`);
          visit(member, `${path}.${name}`);
        }
      }
      for (const [keyword, inner] of Object.entries(rest)) visit(inner, `${path}/${keyword}`);
    };
    visit(workflowDefinitionSchema, '');
    expect(missing).toEqual([]);
  });

  it('names every default that the compiler fills in', () => {
    const { stage } = workflowDefinitionSchema.$defs;
    const defaults = Object.fromEntries(
      Object.entries(stage.properties as Record<string, Schema>).flatMap(([name, member]) =>
        Object.hasOwn(member, 'default') ? [[name, member.default]] : [],
      ),
    );
    expect(defaults).toEqual({
      order: 'parallel',
      quorum: 'any',
      reject: 'any',
      selfApproval: 'forbid',
      onNoApprovers: 'fail',
      onReject: 'reject',
      comment: 'optional',
    });
  });
});
