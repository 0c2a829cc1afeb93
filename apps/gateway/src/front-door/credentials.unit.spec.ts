import { keyOf, schemeOf } from './credentials';

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('the key of an Authorization header', () => {
  it.each([
    ['Bearer cs_live_abc', 'cs_live_abc'],
    ['bearer  cs_live_abc ', 'cs_live_abc'],
    [basic('curl:cs_live_abc'), 'cs_live_abc'],
    [basic(':cs_live_abc'), 'cs_live_abc'],
    [basic('a:b:c'), 'b:c'],
  ])('in "%s" is %s', (header, key) => expect(keyOf(header)).toBe(key));

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'cs_live_abc',
    'Digest x',
    basic('nobody'),
    basic('nobody:'),
  ])('is not in "%s"', (header) => expect(keyOf(header)).toBeNull());
});

it.each([
  ['Bearer cs_live_abc', 'bearer'],
  ['bearer cs_live_abc', 'bearer'],
  [basic(':cs_live_abc'), 'basic'],
  [basic(':cs_live_abc').toLowerCase(), 'basic'],
])('"%s" comes as %s', (header, scheme) => expect(schemeOf(header)).toBe(scheme));
