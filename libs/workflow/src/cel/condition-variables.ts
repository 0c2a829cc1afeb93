import type { SubjectSchema } from '../subject/subject-schema';
import { closedMap, shapeOfSchema, type Shape } from './shape';

const STRING: Shape = { type: 'string' };
const STRING_OR_NULL: Shape = { type: 'string', nullable: true };

const shapes = new WeakMap<object, Shape>();

/** One subject is asked for by every condition of a definition, and may be large. */
function shapeOf(subject: SubjectSchema): Shape {
  if (typeof subject === 'boolean') return shapeOfSchema(subject);
  let shape = shapes.get(subject);
  if (!shape) shapes.set(subject, (shape = shapeOfSchema(subject)));
  return shape;
}

/** The variables of a condition. `manager` is a user's id. `createdAt` is a text: `timestamp(request.createdAt)`. */
export function conditionVariables(subject: SubjectSchema, stageKeys: string[]): Record<string, Shape> {
  return {
    payload: shapeOf(subject),
    requester: closedMap({
      id: STRING,
      userName: STRING,
      displayName: STRING,
      department: STRING_OR_NULL,
      region: STRING_OR_NULL,
      approvalLimit: { type: 'double', nullable: true },
      groups: { type: 'list', element: STRING },
      manager: STRING_OR_NULL,
    }),
    request: closedMap({ title: STRING, workflow: STRING, createdAt: STRING, revision: { type: 'double' } }),
    stages: closedMap(Object.fromEntries(stageKeys.map((key) => [key, closedMap({ state: STRING })]))),
  };
}
