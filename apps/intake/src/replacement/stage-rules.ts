import type { WorkflowRef } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { stagesApart, stagesOf } from '@countersign/workflow';
import { definitionsOf, type OpenTask } from './replacement.rows';

/** Of a stage's definition, what says who may not decide in it. */
export interface StageRule {
  allowsSelfApproval: boolean;
  /** Keys of stages whose deciders may not decide in it. */
  apart: readonly string[];
}

/** The rules of the stages that tasks are in. */
export type StageRules = (one: OpenTask) => StageRule | undefined;

const keyOf = ({ id, version }: Pick<WorkflowRef, 'id' | 'version'>, stageKey: string): string =>
  `${id} ${version} ${stageKey}`;

/** Reads each definition once, however many tasks are in its stages. */
export const readStageRules = async (sql: Sql, tasks: readonly OpenTask[]): Promise<StageRules> => {
  const rules = new Map<string, StageRule>();
  const definitions =
    tasks.length > 0
      ? await definitionsOf(
          sql,
          tasks.map(({ workflow }) => workflow),
        )
      : [];
  for (const { id, version, definition } of definitions) {
    const placed = stagesOf(definition);
    const apart = stagesApart(placed);
    for (const { stage } of placed) {
      rules.set(keyOf({ id, version }, stage.key), {
        allowsSelfApproval: stage.selfApproval === 'allow',
        apart: apart.get(stage.key) ?? [],
      });
    }
  }
  return ({ workflow, task }) => rules.get(keyOf(workflow, task.stageKey));
};
