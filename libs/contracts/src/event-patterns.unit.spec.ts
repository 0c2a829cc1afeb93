import { eventPatternExpression, eventPatterns, matchesEvent, patternsOf, typesOf } from './event-patterns';
import { eventTypes, operationalEventTypes } from './states';

describe('event patterns', () => {
  it.each([
    [['*'], 'task.decided', true],
    [['request.*'], 'request.created', true],
    [['request.*'], 'task.decided', false],
    [['task.decided'], 'task.decided', true],
    [['task.decided'], 'task.dismissed', false],
    [['task.assigned', 'request.*'], 'request.failed', true],
    [['*'], 'endpoint.disabled', false],
    [['*', 'endpoint.*'], 'endpoint.disabled', true],
    [['delivery.exhausted'], 'delivery.exhausted', true],
    [['endpoint.*'], 'delivery.exhausted', false],
  ])('%j and %s: %s', (patterns, type, expected) => {
    expect(matchesEvent(patterns, type)).toBe(expected);
  });

  it('are all accepted, and nothing else is', () => {
    expect(eventPatterns).toEqual([
      '*',
      'request.*',
      'task.*',
      ...eventTypes,
      'endpoint.*',
      'delivery.*',
      'audit.*',
      ...operationalEventTypes,
    ]);
    expect(patternsOf('endpoint.failing')).toEqual(['endpoint.*', 'endpoint.failing']);
    expect(typesOf(['*'])).toEqual(eventTypes);
    expect(typesOf(['delivery.*', 'task.decided'])).toEqual(['task.decided', 'delivery.exhausted']);
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
