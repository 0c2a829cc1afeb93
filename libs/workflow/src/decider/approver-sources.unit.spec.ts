import { Run, submit, workflow } from '../../test/given';

const owners = Array.from({ length: 1_000 }, (_, index) => `u${index}`);

/** Stages side by side, each with so many sources that name a thousand people. */
const asks = (stages: number, sources: number) => {
  const approvers = Array.from({ length: sources }, () => ({ field: 'payload.owners' }));
  const parallel = Array.from({ length: stages }, (_, index) => ({ key: `s${index}`, approvers }));
  return new Run(workflow({ stages: [{ parallel }] }), { owners }).when(submit());
};

describe('sources that read the payload', () => {
  it('may name many people', () => {
    const { effects } = asks(9, 10);
    expect(effects.map(({ sources }) => sources.length)).toEqual(Array(9).fill(10_000));
  });

  it('that name more people than can be looked for fail the request, and ask nobody', () => {
    const run = asks(11, 10);
    expect(run.effects).toEqual([]);
    expect(run.request).toMatchObject({
      state: 'failed',
      failure: {
        code: 'expression_error',
        detail: 'Together, payload.owners and the sources before it name more people than can be looked for.',
      },
    });
  });
});
