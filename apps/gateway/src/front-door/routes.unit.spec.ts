import fc from 'fast-check';
import { decisionTokenOf, isDecisionPath, openOwner, ownerOf, pathOf } from './routes';

describe('the owner of a request target', () => {
  it.each([
    ['/v1/requests', 'intake'],
    ['/v1/requests/', 'intake'],
    ['/v1/requests/a%20b?c=//..%2f', 'intake'],
    ['/v1/workflows/purchase-order/versions/3/publish', 'intake'],
    ['/v1/schemas/workflow.json', 'intake'],
    ['/scim/v2/Users?filter=userName%20eq%20%22a%22', 'approver-resolution'],
    ['/v1/resolver-secret/rotate', 'approver-resolution'],
    ['/v1/event-types', 'notification'],
    ['/dev/mail.json', 'notification'],
    ['/v1/events', 'audit'],
    ['/v1/audit/log/tile/0/000', 'audit'],
    ['/v1/api-keys', 'gateway'],
  ])('%s is %s', (target, owner) => expect(ownerOf(target)).toBe(owner));

  it.each([
    '',
    '*',
    '/',
    '/v1',
    '/v2/requests',
    '/v1/requestsx',
    '/scim',
    '/scim/v1/Users',
    '/dev',
    'example.com:443',
    '/v1/constructor',
  ])('%s is nobody', (target) => expect(ownerOf(target)).toBeNull());

  it('is the one that a URL parser sees as well, however the path is disguised', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '\\',
      ';',
      '@',
      ':',
      'v1',
      'requests',
      'audit',
      'a',
      '%00',
      '%',
      '#',
      '?',
      ' ',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const target = `/v1/${pieces.join('')}`;
        const owner = ownerOf(target);
        fc.pre(owner !== null);
        const parsed = new URL(`http://x${target}`);
        expect(parsed.pathname).toBe(pathOf(target));
        expect(ownerOf(parsed.pathname)).toBe(owner);
        expect(decodeURIComponent(parsed.pathname)).not.toMatch(/\/\.{1,2}(\/|$)|\/\/|\\/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a path that needs no key', () => {
  it.each([
    ['GET', '/decide/Abc-_9', 'intake'],
    ['HEAD', '/decide/Abc-_9', 'intake'],
    ['POST', '/decide/Abc-_9', 'intake'],
    ['GET', '/v1/schemas/workflow.json', 'intake'],
  ])('%s %s is %s', (method, path, owner) => expect(openOwner(method, path)).toBe(owner));

  it.each([
    ['PUT', '/decide/Abc'],
    ['DELETE', '/decide/Abc'],
    ['GET', '/decide'],
    ['GET', '/decide/'],
    ['GET', '/decide/Abc/'],
    ['GET', '/decide/Abc/x'],
    ['GET', '/decide/../v1/requests'],
    ['GET', '/decide/%41'],
    ['GET', `/decide/${'a'.repeat(201)}`],
    ['GET', '//decide/Abc'],
    ['POST', '/v1/schemas/workflow.json'],
  ])('is not %s %s', (method, path) => expect(openOwner(method, path)).toBeUndefined());

  it('is that of a decision page only with a token', () => {
    expect(decisionTokenOf('/decide/Abc-_9')).toBe('Abc-_9');
    expect(decisionTokenOf('/v1/decide')).toBeNull();
    expect(['/decide', '/decide/', '/decide/a.', '/decided', '/v1/decide'].map(isDecisionPath)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
