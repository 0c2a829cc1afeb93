import fc from 'fast-check';
import { ownerOf, pathOf } from './routes';

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
