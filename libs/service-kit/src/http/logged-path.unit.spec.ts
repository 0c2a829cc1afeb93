import { loggedPath } from './logged-path';

describe('a path in a log', () => {
  it.each([
    ['/v1/requests/1', '/v1/requests/1'],
    ['/decide/AbC-_', '/decide/…'],
    ['//decide/AbC-_', '//decide/…'],
    ['/Decide/AbC\n-_', '/Decide/…'],
    ['/decide/AbC/more?x=1', '/decide/…'],
  ])('%j is %j', (path, expected) => expect(loggedPath(path)).toBe(expected));
});
