import fc from 'fast-check';
import { Problem } from '@countersign/service-kit';
import { parseFilter } from './parse-filter';

describe('a filter', () => {
  it('has its values as JSON says', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        fc.pre(!value.includes('\0') && value.isWellFormed() && value.length < 1_000);
        expect(parseFilter(`userName eq ${JSON.stringify(value)}`)).toEqual({
          kind: 'compare',
          path: 'userName',
          comparison: 'eq',
          value,
        });
      }),
    );
  });

  it('has numbers wherever they stand', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const number = JSON.stringify(value);
        expect(parseFilter(`(a gt ${number}) and b lt ${number}`)).toMatchObject({
          parts: [{ value: JSON.parse(number) as number }, { value: JSON.parse(number) as number }],
        });
      }),
    );
  });

  it('binds not before and before or', () =>
    expect(parseFilter('not (a pr) and b pr or c pr')).toEqual({
      kind: 'or',
      parts: [
        {
          kind: 'and',
          parts: [
            { kind: 'not', part: { kind: 'present', path: 'a' } },
            { kind: 'present', path: 'b' },
          ],
        },
        { kind: 'present', path: 'c' },
      ],
    }));

  it('says of one and the same value what stands in and after the brackets', () =>
    expect(parseFilter('emails[type eq "work" or primary eq true].value co "x" and title pr')).toEqual({
      kind: 'and',
      parts: [
        {
          kind: 'values',
          path: 'emails',
          inner: {
            kind: 'and',
            parts: [
              {
                kind: 'or',
                parts: [
                  { kind: 'compare', path: 'type', comparison: 'eq', value: 'work' },
                  { kind: 'compare', path: 'primary', comparison: 'eq', value: true },
                ],
              },
              { kind: 'compare', path: 'value', comparison: 'co', value: 'x' },
            ],
          },
        },
        { kind: 'present', path: 'title' },
      ],
    }));

  it('is read or refused in no time, whatever it is', () => {
    const token = fc.constantFrom(
      ...'"\\()[]. \n\t',
      'not ',
      ' and ',
      ' or ',
      ' eq ',
      ' pr',
      'a',
      '"x"',
      '5',
      '].',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 400 }), (tokens) => {
        const start = Date.now();
        try {
          parseFilter(tokens.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
        expect(Date.now() - start).toBeLessThan(1_000);
      }),
      { numRuns: 300 },
    );
  });
});
