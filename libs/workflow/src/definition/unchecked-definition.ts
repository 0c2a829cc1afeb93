import { pointerTo } from '../problem';

/** A definition that need not have the right form: checks look at whatever of it can be looked at. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A part of the definition with its pointer. */
export interface Placed {
  value: Json;
  pointer: string;
}

/** The objects of a list. */
export function objectsIn(list: unknown, pointer: string): Placed[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((value: unknown, index) =>
    isObject(value) ? [{ value, pointer: pointerTo(pointer, index) }] : [],
  );
}

export interface UncheckedStage extends Placed {
  step: number;
}

/** Stages flat, as `stagesOf` has them. */
export function uncheckedStages({ stages }: Json): UncheckedStage[] {
  return objectsIn(stages, '/stages').flatMap(({ value, pointer }, step) =>
    Object.hasOwn(value, 'parallel')
      ? objectsIn(value.parallel, `${pointer}/parallel`).map((stage) => ({ ...stage, step }))
      : [{ value, pointer, step }],
  );
}

/** Where in a stage sources are. */
export type SourcePlace = 'approvers' | 'fallback' | 'escalate' | 'notify';

export interface UncheckedSource extends Placed {
  place: SourcePlace;
  /** It is in a row of a matrix. */
  inMatrix: boolean;
}

/** The rows of a matrix. */
export function rowsOf({ value, pointer }: Placed): Placed[] {
  return objectsIn(value.matrix, `${pointer}/matrix`);
}

/** All sources of a stage, with those in the rows of matrices. */
export function uncheckedSources({ value: stage, pointer }: Placed): UncheckedSource[] {
  const fallback = isObject(stage.onNoApprovers) ? stage.onNoApprovers.fallback : undefined;
  const escalations = objectsIn(stage.escalate, `${pointer}/escalate`);
  const lists: [SourcePlace, unknown, string][] = [
    ['approvers', stage.approvers, `${pointer}/approvers`],
    ['fallback', fallback, `${pointer}/onNoApprovers/fallback`],
    ...escalations.map((each): [SourcePlace, unknown, string] => [
      'escalate',
      each.value.to,
      `${each.pointer}/to`,
    ]),
    ['notify', stage.notify, `${pointer}/notify`],
  ];
  return lists.flatMap(([place, list, at]) =>
    objectsIn(list, at).flatMap((source) => [
      { ...source, place, inMatrix: false },
      ...rowsOf(source).flatMap((row) =>
        objectsIn(row.value.to, `${row.pointer}/to`).map((inner) => ({ ...inner, place, inMatrix: true })),
      ),
    ]),
  );
}
