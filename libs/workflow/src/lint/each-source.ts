import type { ApproverSource, StageDefinition } from '../definition/workflow-definition';
import { pointerTo } from '../problem';

/** A list of sources of a stage and where it is. */
export interface SourceList {
  use: 'approvers' | 'fallback' | 'escalate' | 'notify';
  pointer: string;
  sources: ApproverSource[];
}

/** Every list of sources of a stage. */
export function sourceLists(stage: StageDefinition, pointer: string): SourceList[] {
  const { onNoApprovers } = stage;
  return [
    { use: 'approvers', pointer: `${pointer}/approvers`, sources: stage.approvers },
    ...(typeof onNoApprovers === 'object'
      ? [
          {
            use: 'fallback' as const,
            pointer: `${pointer}/onNoApprovers/fallback`,
            sources: onNoApprovers.fallback,
          },
        ]
      : []),
    ...(stage.escalate ?? []).map(({ to }, index) => ({
      use: 'escalate' as const,
      pointer: `${pointerTo(`${pointer}/escalate`, index)}/to`,
      sources: to,
    })),
    ...(stage.notify
      ? [{ use: 'notify' as const, pointer: `${pointer}/notify`, sources: stage.notify }]
      : []),
  ];
}

/** Every source of a list and of the matrices in it, each with its pointer. */
export function eachSource(
  sources: ApproverSource[],
  pointer: string,
): { source: ApproverSource; pointer: string }[] {
  return sources.flatMap((source, index) => {
    const at = pointerTo(pointer, index);
    const inner =
      'matrix' in source
        ? source.matrix.flatMap(({ to }, row) => eachSource(to, `${at}/matrix/${row}/to`))
        : [];
    return [{ source, pointer: at }, ...inner];
  });
}
