import { checkNodeVersion, lacksOnlyOptional } from './prepare.mjs';

describe('the Node.js version', () => {
  it.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '25.1.0'])('%s is enough', (version) => {
    expect(() => checkNodeVersion(version)).not.toThrow();
  });

  it.each(['18.20.0', '20.18.9', '21.7.0', '22.11.0', '23.5.0'])(
    '%s is refused with what is needed',
    (version) => {
      expect(() => checkNodeVersion(version)).toThrow(/needs Node\.js 20\.19, 22\.12, 24 or newer; this is/);
    },
  );
});

describe('a lock file that npm ci refuses', () => {
  const packages = {
    'node_modules/swc': { optionalDependencies: { '@swc/core-darwin-arm64': '1.0.0', 'swc-win32': '1.0.0' } },
    'node_modules/pg': {},
  };
  const missing = (...names: string[]) =>
    ['npm error', ...names.map((name) => `npm error Missing: ${name} from lock file`)].join('\n');

  it('may lack optional packages, whether the registry has them or not', () => {
    expect(lacksOnlyOptional(missing('@swc/core-darwin-arm64@', 'swc-win32@1.0.0'), packages)).toBe(true);
  });

  it('may not lack anything else', () => {
    expect(lacksOnlyOptional(missing('swc-win32@1.0.0', 'pg@8.0.0'), packages)).toBe(false);
  });

  it('may not hold another version', () => {
    const invalid = "npm error Invalid: lock file's pg@8.0.0 does not satisfy pg@8.1.0";
    expect(lacksOnlyOptional(`${missing('swc-win32@1.0.0')}\n${invalid}`, packages)).toBe(false);
  });

  it('is not the reason when npm says something else', () => {
    expect(lacksOnlyOptional('npm error network timeout', packages)).toBe(false);
  });
});
