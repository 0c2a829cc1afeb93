import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  compileDefinition,
  lintDefinition,
  parseDefinition,
  publishProblems,
  type WorkflowDefinition,
} from '@countersign/workflow';

const root = path.resolve(__dirname, '..', '..');
const folder = path.join(root, 'examples', 'workflows');
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

function definitionOf(name: string): WorkflowDefinition {
  const text = readFileSync(path.join(folder, name, 'workflow.yaml'), 'utf8');
  const parsed = parseDefinition({ text, mediaType: 'application/yaml' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

describe('an example workflow', () => {
  it('is there for each of the usual cases', () => {
    expect(names.sort()).toEqual([
      'access-request',
      'change-request',
      'customer-onboarding',
      'guest-access',
      'purchase-order',
      'sales-contract',
    ]);
  });

  it.each(names)('can be published, and nothing is to be said against it: %s', (name) => {
    const definition = definitionOf(name);
    expect(definition.key).toBe(name);
    expect(publishProblems(compileDefinition(definition))).toEqual([]);
    expect(lintDefinition(definition)).toEqual({ errors: [], warnings: [] });
  });
});
