import { applyPatch } from './apply-patch';
import { changeOf } from './group-change';
import { readPatch } from './read-patch';
import { userResource } from './scim-schema';

const body = (Operations: unknown[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});
const tooLarge = expect.objectContaining({ code: 'payload_too_large', status: 413 }) as Error;
const problemOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
};

describe('what a PATCH may cost', () => {
  it('is bounded by the characters of all its paths, wherever they stand', () => {
    const path = `members[value eq "${'a'.repeat(900)}"]`;
    const paths = Array.from({ length: 1_200 }, () => ({ op: 'remove', path }));
    expect(problemOf(() => readPatch(body(paths)))).toEqual(tooLarge);
    const names = Array.from({ length: 1_200 }, () => ({ op: 'add', value: { [path]: 1 } }));
    expect(problemOf(() => readPatch(body(names)))).toEqual(tooLarge);
    const usual = Array.from({ length: 10_000 }, (_, n) => ({
      op: 'remove',
      path: `members[value eq "00000000-0000-0000-0000-${String(n).padStart(12, '0')}"]`,
    }));
    expect(changeOf(readPatch(body(usual))).steps).toHaveLength(1);
  });

  it('is bounded by the operations on one user', () => {
    const add = { op: 'add', path: 'emails', value: [{ value: 'a@example.com' }] };
    const apply = (count: number) =>
      applyPatch({}, readPatch(body(Array.from({ length: count }, () => add))), userResource);
    expect(apply(1_000)).toEqual({ emails: [{ value: 'a@example.com' }] });
    expect(problemOf(() => apply(1_001))).toEqual(tooLarge);
  });

  it('is bounded by how often it has to look at every member of a group', () => {
    const select = (count: number) =>
      changeOf(
        readPatch(
          body(
            Array.from({ length: count }, (_, n) => ({ op: 'remove', path: `members[display co "${n}"]` })),
          ),
        ),
      );
    expect(select(100).steps).toHaveLength(100);
    expect(problemOf(() => select(101))).toEqual(tooLarge);
  });
});
