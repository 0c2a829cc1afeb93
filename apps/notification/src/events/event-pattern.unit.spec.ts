import { eventTypes } from '@countersign/contracts';
import { eventPatternExpression, eventPatterns, matchesEvent } from './event-pattern';

describe('event patterns', () => {
  it.each([
    [['*'], 'task.decided', true],
    [['request.*'], 'request.created', true],
    [['request.*'], 'task.decided', false],
    [['task.decided'], 'task.decided', true],
    [['task.decided'], 'task.dismissed', false],
    [['task.assigned', 'request.*'], 'request.failed', true],
  ])('%j and %s: %s', (patterns, type, expected) => {
    expect(matchesEvent(patterns, type)).toBe(expected);
  });

  it('are all accepted, and nothing else is', () => {
    expect(eventPatterns).toEqual(['*', 'request.*', 'task.*', ...eventTypes]);
    for (const pattern of eventPatterns) expect(pattern).toMatch(eventPatternExpression);
    for (const other of [
      '',
      '**',
      'request',
      'request.',
      'requestXcreated',
      'request.cre*',
      '*.created',
      'workflow.*',
      ' *',
    ]) {
      expect(other).not.toMatch(eventPatternExpression);
    }
  });
});
