import { Run, submit, workflow } from '../../test/given';

const crowd = (size: number, prefix = 'p') => Array.from({ length: size }, (_, n) => `${prefix}${n}`);
const tasks = (run: Run) => run.request.stages[0]?.tasks.filter(({ state }) => state === 'open').length;

describe('a stage', () => {
  it('asks a thousand people', () => {
    const run = new Run(workflow({ stages: [{ key: 'a' }] })).when(submit()).resolved(crowd(1_000));
    expect([run.request.state, tasks(run)]).toEqual(['pending_review', 1_000]);
  });

  it.each(['fail', 'skip', 'approve'])('fails rather than asks more (onNoApprovers: %s)', (onNoApprovers) => {
    const definition = workflow({ stages: [{ key: 'a', title: 'Review', onNoApprovers }] });
    const run = new Run(definition).when(submit()).resolved(crowd(1_001));
    expect(run.request.state).toBe('failed');
    expect(run.request.failure).toEqual({
      code: 'no_approvers',
      stage: 'a',
      detail: 'The stage Review would ask more than 1000 people, which is as many as a stage asks.',
    });
  });

  it('asks its fallback when it would ask more', () => {
    const definition = workflow({ stages: [{ key: 'a', onNoApprovers: { fallback: [{ user: 'x' }] } }] });
    const run = new Run(definition).when(submit()).resolved(crowd(1_001)).resolved(['ann']);
    expect(tasks(run)).toBe(1);
  });

  it('is escalated to as many as it has room for', () => {
    const escalate = [{ after: 'PT1H', to: [{ user: 'boss' }] }];
    const run = new Run(workflow({ stages: [{ key: 'a', escalate }] })).when(submit()).resolved(crowd(999));
    run.ticks('2026-11-21T10:00:00.000Z').resolved(crowd(5, 'boss'));
    expect(tasks(run)).toBe(1_000);
  });
});
