import { createLog } from './log';
import { logFaults } from './log-faults';

const start = () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('routing', { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, onFault: logFaults(log) };
};

describe('a fault in the log', () => {
  it('carries the ids and the trace of the message that it is about', () => {
    const { lines, onFault } = start();
    const message = {
      messageId: '0192f3a4-7b1c-7d10-8000-0000000000aa',
      type: 'mail.send.v1' as const,
      workspaceId: '0192f3a4-7b1c-7d10-8000-0000000000bb',
      correlationId: '0192f3a4-7b1c-7d10-8000-0000000000cc',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    };
    onFault('handling', new TypeError('no'), message);
    expect(lines).toEqual([
      expect.objectContaining({
        ...message,
        msg: 'handling',
        err: expect.objectContaining({ name: 'TypeError', message: 'no' }),
      }),
    ]);
  });

  it('is written once a second, however often it happens', () => {
    const { lines, onFault } = start();
    for (let i = 0; i < 5; i++) onFault('redis', new Error('away'));
    onFault('queue', new Error('away'));
    expect(lines.map(({ msg }) => msg)).toEqual(['redis', 'queue']);
  });
});
