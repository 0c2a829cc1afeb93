import { parseDependencies } from './redis-binary.mjs';

describe('dependencies as apt-cache lists them', () => {
  const listing = [
    'redis-server',
    '  PreDepends: init-system-helpers',
    ' |Depends: lsb-base',
    '  Depends: sysvinit-utils',
    '  Depends: redis-tools',
    'redis-tools',
    '  Depends: libc6',
    '  Depends: <libfoo-abi>',
    '    libfoo1',
    'libc6',
    '<libfoo-abi>',
    '',
  ].join('\n');

  it('takes the first of alternatives', () => {
    expect(parseDependencies(listing).get('redis-server')).toEqual([
      'init-system-helpers',
      'lsb-base',
      'redis-tools',
    ]);
  });

  it('knows which packages are real', () => {
    expect([...parseDependencies(listing).keys()]).toEqual(['redis-server', 'redis-tools', 'libc6']);
  });
});
