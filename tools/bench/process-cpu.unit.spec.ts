import { parseProcessStat } from './process-cpu.mjs';

describe('the CPU time of a process', () => {
  it('is user and system time, with that of children that have ended', () => {
    const stat = '42 (node) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 11 0 99 0';
    expect(parseProcessStat(stat)).toEqual({ parent: 7, cpuMs: 1_240 });
  });

  it('is found after a command with blanks and parentheses', () => {
    const stat = '42 (postgres: wal) w (x) S 7 42 42 0 -1 4194560 1 2 3 4 5 5 0 0 20 0 1 0 99 0';
    expect(parseProcessStat(stat)).toEqual({ parent: 7, cpuMs: 100 });
  });
});
