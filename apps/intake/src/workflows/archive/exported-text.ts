import { stringify } from 'yaml';
import type { WorkflowVersionView } from '../workflow.rows';

/** A version as its file in an archive: its author's own text, or what was given as JSON, written as YAML. */
export const exportedText = ({
  mediaType,
  text,
  definition,
}: Pick<WorkflowVersionView, 'mediaType' | 'text' | 'definition'>): string =>
  mediaType === 'application/yaml'
    ? text
    : stringify(definition, { version: '1.2', schema: 'core', lineWidth: 100, aliasDuplicateObjects: false });
