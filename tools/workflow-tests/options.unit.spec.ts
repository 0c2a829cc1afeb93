import { readOptions } from './options.mjs';

const env = { COUNTERSIGN_API_KEY: 'cs_test_key' };

describe('the arguments', () => {
  it('have defaults', () => {
    expect(readOptions([], env)).toEqual({
      folders: ['examples/workflows'],
      url: 'http://localhost:4080',
      apiKey: 'cs_test_key',
      organisation: null,
      live: false,
    });
  });

  it('are taken as they are given', () => {
    const args = ['a', 'b', '--url', 'https://c.example/', '--organisation', 'people.yaml', '--live'];
    expect(readOptions(args, env)).toMatchObject({
      folders: ['a', 'b'],
      url: 'https://c.example',
      organisation: 'people.yaml',
      live: true,
    });
  });

  it.each<[string[], Record<string, string>, string]>([
    [[], {}, 'COUNTERSIGN_API_KEY is not set'],
    [[], { COUNTERSIGN_API_KEY: 'a b' }, 'is no API key'],
    [['--url', 'localhost:4080'], env, '--url: localhost:4080 is no http or https address'],
    [['--url', 'http://key@localhost'], env, 'COUNTERSIGN_API_KEY'],
    [['--key', 'cs_test_key'], env, "Unknown option '--key'"],
    [['--live'], env, '--live is for --organisation'],
  ])('are refused when they are wrong: %j', (args, given, message) => {
    expect(() => readOptions(args, given)).toThrow(message);
  });
});
