import { Problem } from '@countersign/service-kit';
import { ExportSlots } from './export-slots';

describe('the slots', () => {
  it('leave room for other workspaces', () => {
    const slots = new ExportSlots();
    const given = Array.from({ length: 4 }, () => slots.take('one'));
    expect(() => slots.take('one')).toThrow(Problem);
    slots.take('two');
    given[0]?.();
    given[0]?.();
    slots.take('one');
    expect(() => slots.take('one')).toThrow(Problem);
  });

  it('are bounded for all together', () => {
    const slots = new ExportSlots();
    for (let n = 0; n < 16; n += 1) slots.take(`workspace ${n}`);
    expect(() => slots.take('another')).toThrow(Problem);
  });
});
