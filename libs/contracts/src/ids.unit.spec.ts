import { isUuid } from './ids';

describe('a UUID', () => {
  it.each([
    ['of version 7', '0192f3a4-7b1c-7d10-8000-0000000000aa'],
    ['of no version that there is', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['in upper case', '0192F3A4-7B1C-7D10-8000-0000000000AA'],
  ])('is one %s', (_, text) => expect(isUuid(text)).toBe(true));

  it.each([
    ['nothing', ''],
    ['a userName', 'alice@example.com'],
    ['one without its dashes', '0192f3a47b1c7d1080000000000000aa'],
    ['one in braces', '{0192f3a4-7b1c-7d10-8000-0000000000aa}'],
    ['one with a line after it', '0192f3a4-7b1c-7d10-8000-0000000000aa\n'],
    ['one with a letter that is no digit', '0192f3a4-7b1c-7d10-8000-0000000000ag'],
  ])('is not %s', (_, text) => expect(isUuid(text)).toBe(false));
});
