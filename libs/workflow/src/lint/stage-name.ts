import type { StageDefinition } from '../definition/workflow-definition';

/** A stage within a sentence: its title, or its key with a word before it, since a key is never capitalised. */
export const stageName = ({ title, key }: StageDefinition): string => title ?? `the stage ${key}`;
