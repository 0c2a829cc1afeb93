import { readOptions } from './options.mjs';

describe('the options of the bench', () => {
  it('are all peers at three loads unless told otherwise', () => {
    expect(readOptions([])).toMatchObject({
      peers: ['floor', 'bullmq', 'dbos', 'restate'],
      inFlight: [4, 64, 256],
      lifecycles: 2_000,
    });
  });

  it('may leave out every peer', () => {
    expect(readOptions(['--peers', '']).peers).toEqual([]);
  });

  it.each([
    ['--peers', 'temporal', /there is no temporal, only floor, bullmq, dbos, restate/],
    ['--in-flight', '4,many', /--in-flight: many is no count/],
    ['--lifecycles', '0', /--lifecycles: 0 is no count/],
  ])('%s %s is refused with the reason', (option, value, reason) => {
    expect(() => readOptions([option, value])).toThrow(reason);
  });
});
