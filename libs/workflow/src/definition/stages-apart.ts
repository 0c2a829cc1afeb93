import type { PlacedStage } from './workflow-definition';

/** The stages that each stage is kept apart from, whichever of the two says so. */
export function stagesApart(placed: PlacedStage[]): Map<string, string[]> {
  const apart = new Map(placed.map(({ stage }) => [stage.key, new Set<string>()]));
  for (const { stage } of placed) {
    for (const other of stage.distinctFrom ?? []) {
      apart.get(stage.key)?.add(other);
      apart.get(other)?.add(stage.key);
    }
  }
  return new Map([...apart].map(([key, others]) => [key, [...others]]));
}
