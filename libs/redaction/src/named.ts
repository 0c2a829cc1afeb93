/** A person in a document: somebody with an id and a name. */
export interface Named extends Record<string, unknown> {
  id: string;
  userName: string;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isNamed = (value: unknown): value is Named =>
  isRecord(value) && typeof value.id === 'string' && typeof value.userName === 'string';
