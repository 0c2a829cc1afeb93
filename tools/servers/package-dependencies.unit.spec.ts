import { closure, parseDependencies } from './package-dependencies.mjs';

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

  it('takes along what is of the family, and nothing that the machine has or only an installation needs', () => {
    const dependencies = parseDependencies(listing);
    expect(closure(dependencies, 'redis-server', /^(lib|redis-)/)).toEqual(['redis-server', 'redis-tools']);
    expect(closure(dependencies, 'redis-server', /^lib/)).toEqual(['redis-server']);
    expect(closure(dependencies, 'valkey-server', /^(lib|valkey-)/)).toEqual([]);
  });
});
