import { readOptions } from './options.mjs';

describe('the options of a chaos run', () => {
  it('are three minutes and a seed of chance unless something else is asked for', () => {
    const { minutes, seed } = readOptions([]);
    expect(minutes).toBe(3);
    expect(Number.isInteger(seed)).toBe(true);
    expect(readOptions([]).seed).not.toBe(seed);
    expect(readOptions(['--minutes', '20', '--seed', '0'])).toEqual({ minutes: 20, seed: 0 });
  });

  it.each([
    ['--minutes=0'],
    ['--minutes=61'],
    ['--minutes=1.5'],
    ['--seed=-1'],
    ['--seed=4294967296'],
    ['--seed=x'],
  ])('refuse %s', (argument) => {
    expect(() => readOptions([argument])).toThrow(/is no whole number from/);
  });

  it('refuse what they do not know', () => {
    expect(() => readOptions(['--hours', '2'])).toThrow();
  });
});
