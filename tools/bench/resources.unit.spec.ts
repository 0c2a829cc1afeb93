import { parseCommandStatistics } from './resources.mjs';

describe('the commands that Redis has worked on', () => {
  it('are counted by command, without the question itself', () => {
    const info = [
      '# Commandstats',
      'cmdstat_evalsha:calls=12,usec=90,usec_per_call=7.50,rejected_calls=0,failed_calls=0',
      'cmdstat_client|setname:calls=3,usec=9,usec_per_call=3.00,rejected_calls=0,failed_calls=0',
      'cmdstat_info:calls=2,usec=9,usec_per_call=4.50,rejected_calls=0,failed_calls=0',
      '',
    ].join('\r\n');
    expect(parseCommandStatistics(info)).toEqual({ evalsha: 12, 'client|setname': 3 });
  });
});
