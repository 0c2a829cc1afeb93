import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { MAX_STEPS } from './cel/metered-env';
import { compileDefinition, publishProblems } from './definition/compile-definition';
import { parseDefinition } from './definition/parse-definition';
import { MAX_DEFINITION_BYTES } from './definition/read-definition-source';
import { stageSchema } from './definition/stage.schema';
import { MAX_STAGES, workflowDefinitionSchema } from './definition/workflow-definition.schema';
import { sourceSchema } from './definition/source.schema';
import { findingCodes } from './lint/finding';

const text = readFileSync(path.resolve(__dirname, '..', '..', '..', 'docs', 'workflows.md'), 'utf8');

/** Blocks of YAML with what follows `yaml` in their first line. */
const snippets = [...text.matchAll(/^```yaml *(\w*)\n([\s\S]*?)^```$/gm)].map(
  ({ index, 1: kind = '', 2: yaml = '' }) => ({ kind, yaml, line: text.slice(0, index).split('\n').length }),
);

const simple = (key: string) => ({ key, approvers: [{ group: 'finance' }] });

/** A definition around a snippet that is only a part of one. */
const around: Record<string, (part: unknown) => unknown> = {
  '': (whole) => whole,
  workflow: (members) => ({ key: 'example', stages: [simple('only')], ...(members as object) }),
  stages: (stages) => ({ key: 'example', stages }),
  stage: (members) => ({
    key: 'example',
    stages: [simple('earlier'), { ...simple('only'), ...(members as object) }],
  }),
};

const definitions = snippets.filter(({ kind }) => around[kind] !== undefined);

describe('the documentation of workflows', () => {
  it.each(definitions)('shows only what can be published: line $line', ({ kind, yaml }) => {
    const parsed = parseDefinition({ json: around[kind]?.(parse(yaml)) });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    expect(publishProblems(compileDefinition(parsed.definition))).toEqual([]);
  });

  it('has no YAML but that of workflows and of their tests', () => {
    const others = snippets.map(({ kind }) => kind).filter((kind) => around[kind] === undefined);
    expect(others).toEqual(['tests', 'people']);
    expect(definitions.length).toBeGreaterThan(10);
  });

  it('tells every key, source and lint code', () => {
    const names = [
      ...Object.keys(workflowDefinitionSchema.properties),
      ...Object.keys(stageSchema.properties),
      ...Object.keys(sourceSchema.properties),
      ...findingCodes,
    ];
    const missing = names.filter((name) => !text.includes(`\`${name}\``) && !text.includes(`\`${name}: `));
    expect(missing).toEqual([]);
  });

  it('gives the limits that hold', () => {
    expect(text).toContain(`${MAX_DEFINITION_BYTES / 1024} KiB, ${MAX_STAGES} stages`);
    expect(text).toContain(`${MAX_STEPS.toLocaleString('en')} steps of evaluation`);
  });
});
