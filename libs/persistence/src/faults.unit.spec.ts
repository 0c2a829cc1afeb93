import { isTransientFault, isUniqueViolation } from './faults';

const fault = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('a fault of the database', () => {
  it.each(['08006', '53300', '57P01', '57P03', '40001', '40P01', 'ECONNREFUSED', 'ECONNRESET', '25P03'])(
    'is worth another try: %s',
    (code) => expect(isTransientFault(fault(code))).toBe(true),
  );

  it.each(['23505', '42P01', '22P02', '42501'])('is not: %s', (code) =>
    expect(isTransientFault(fault(code))).toBe(false),
  );

  it('is recognised where the driver gives no code', () => {
    expect(isTransientFault(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isTransientFault(new AggregateError([fault('ECONNREFUSED'), fault('ECONNREFUSED')]))).toBe(true);
    expect(isTransientFault(new TypeError('x is not a function'))).toBe(false);
    expect(isTransientFault('text')).toBe(false);
  });

  it('names the constraint that refused a write', () => {
    const error = Object.assign(fault('23505'), { constraint: 'one_decision_per_task' });
    expect(isUniqueViolation(error, 'one_decision_per_task')).toBe(true);
    expect(isUniqueViolation(error, 'other')).toBe(false);
    expect(isUniqueViolation(error)).toBe(true);
  });
});
