import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { isAddressAllowed, parseAllowList } from './allow-list';
import { checkUrl } from './check-url';

const reasonOf = (url: string, allow = '') => checkUrl(url, allow)?.reason ?? 'fine';

// RFC 6890 and the IANA special-purpose registries.
const INTERNAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
const internalIpv4 = fc
  .tuple(fc.constantFrom(...INTERNAL_IPV4), fc.nat({ max: 2 ** 32 - 1 }))
  .map(([network, random]) => {
    const [address, bits] = ipaddr.IPv4.parseCIDR(network);
    const host = 2 ** (32 - bits);
    return address.toByteArray().reduce((sum, octet) => sum * 256 + octet, 0) + (random % host);
  });
const octets = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const dotted = (value: number) => octets(value).join('.');

const notations: ((value: number) => string)[] = [
  dotted,
  (value) => `${dotted(value)}.`,
  (value) => String(value),
  (value) => `0x${value.toString(16)}`,
  (value) => `0${value.toString(8)}`,
  (value) =>
    octets(value)
      .map((octet) => `0x${octet.toString(16)}`)
      .join('.'),
  (value) =>
    octets(value)
      .map((octet) => `0${octet.toString(8)}`)
      .join('.'),
  (value) => `${value >>> 24}.${value & 0xffffff}`,
  (value) => `${value >>> 24}.${(value >>> 16) & 255}.${value & 0xffff}`,
  (value) => [...dotted(value)].map((character) => `%${character.charCodeAt(0).toString(16)}`).join(''),
  (value) => dotted(value).replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  (value) => dotted(value).replaceAll('.', '。'),
];
const hex = (value: number) => `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
const embeddings: ((value: number) => string)[] = [
  (value) => `[::ffff:${dotted(value)}]`,
  (value) => `[::ffff:${hex(value)}]`,
  (value) => `[0:0:0:0:0:ffff:${hex(value)}]`,
  (value) => `[::${dotted(value)}]`,
  (value) => `[::ffff:0:${dotted(value)}]`,
  (value) => `[64:ff9b::${dotted(value)}]`,
  (value) => `[64:ff9b:1::${hex(value)}]`,
  (value) => `[2002:${hex(value)}::1]`,
  (value) => `[2001:0:${hex(value)}::]`,
];

describe('checkUrl', () => {
  it.each([
    'https://hooks.example.com/a?b=c',
    'http://example.com:8080',
    'https://8.8.8.8/',
    'http://[2606:4700::1111]/',
  ])('has nothing against %s', (url) => {
    expect(checkUrl(url, '')).toBeNull();
  });

  it('refuses every address that is not public, in every notation', () => {
    fc.assert(
      fc.property(internalIpv4, fc.constantFrom(...notations, ...embeddings), (value, write) => {
        expect(reasonOf(`http://${write(value)}/`)).toBe('address_not_allowed');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '[::]',
    '[::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[100::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[4000::1]',
    '[64:ff9b::8.8.8.8]',
    '[::ffff:8.8.8.8]',
    '168.63.129.16',
    '169.254.169.254',
    '100.100.100.200',
    '2130706433',
    '0x7f.1',
    '0',
  ])('refuses the address %s', (host) => {
    expect(reasonOf(`https://${host}/`)).toBe('address_not_allowed');
  });

  it.each([
    ['', 'invalid_url'],
    ['/relative', 'invalid_url'],
    ['example.com', 'invalid_url'],
    ['http://', 'invalid_url'],
    ['http://256.1.1.1/', 'invalid_url'],
    ['http://[fe80::1%25eth0]/', 'invalid_url'],
    ['http://exa mple.com/', 'invalid_url'],
    ['ftp://example.com/', 'scheme_not_allowed'],
    ['file:///etc/passwd', 'scheme_not_allowed'],
    ['javascript:alert(1)', 'scheme_not_allowed'],
    ['https://user@example.com/', 'credentials_not_allowed'],
    ['https://user:secret@example.com/', 'credentials_not_allowed'],
    ['https://:secret@example.com/', 'credentials_not_allowed'],
  ])('answers %j with %s', (url, reason) => {
    expect(reasonOf(url)).toBe(reason);
  });

  it('lets through what is allowed, and only that', () => {
    const allow = '127.0.0.0/8, ::1,10.1.2.3';
    for (const host of [
      '127.0.0.1',
      '127.255.255.255',
      '[::1]',
      '10.1.2.3',
      '2130706433',
      '[::ffff:127.0.0.1]',
    ]) {
      expect(reasonOf(`http://${host}/`, allow)).toBe('fine');
    }
    for (const host of ['10.1.2.4', '[::2]', '[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '192.168.0.1']) {
      expect(reasonOf(`http://${host}/`, allow)).toBe('address_not_allowed');
    }
  });
});

describe('parseAllowList', () => {
  it('is empty for an empty text', () => {
    expect(parseAllowList(' , ')).toEqual([]);
  });

  it.each(['localhost', '10', '0x7f.1', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/8;::1', 'any'])(
    'refuses %s',
    (text) => {
      expect(() => parseAllowList(text)).toThrow(`not a network in CIDR notation: "${text}"`);
    },
  );
});

describe('isAddressAllowed', () => {
  it('allows nothing that is not an address', () => {
    expect(isAddressAllowed('example.com', parseAllowList('0.0.0.0/0,::/0'))).toBe(false);
    expect(isAddressAllowed('', [])).toBe(false);
  });

  it('judges an address with a zone by the address', () => {
    expect(isAddressAllowed('fe80::1%eth0', [])).toBe(false);
  });
});
