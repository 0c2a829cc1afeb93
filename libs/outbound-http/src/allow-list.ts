import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Networks that calls may reach although they are not public. */
export type AllowList = readonly [address: Address, prefixLength: number][];

// Public by its number and yet inside: Azure's platform endpoint, which hands out machine configuration.
const ALWAYS_INTERNAL: AllowList = [[ipaddr.IPv4.parse('168.63.129.16'), 32]];
// All that IANA has given out for global unicast; ipaddr.js calls the unassigned rest of IPv6 `unicast` too.
const GLOBAL_UNICAST_IPV6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Reads a comma list of CIDR networks or single addresses (`COUNTERSIGN_WEBHOOK_ALLOW`).
 * Throws `TypeError` naming the entry that is neither: a configuration that says something else than
 * its author meant must not run.
 */
export function parseAllowList(text: string): AllowList {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseEntry);
}

/** Whether a call may go to this IP address: in the allow list, or plain global unicast. */
export function isAddressAllowed(address: string, allow: AllowList): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (isIn(unmapped(parsed), allow)) return true;
  if (parsed.range() !== 'unicast' || isIn(parsed, ALWAYS_INTERNAL)) return false;
  return isV4(parsed) || parsed.match(...GLOBAL_UNICAST_IPV6);
}

function parseEntry(entry: string): [Address, number] {
  // ipaddr.js also reads `10` or `0x7f.1` as IPv4: too clever for a configuration.
  const strict = entry.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(entry.split('/')[0]!);
  if (strict && ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (strict && ipaddr.isValid(entry)) {
    const address = ipaddr.parse(entry);
    return [address, isV4(address) ? 32 : 128];
  }
  throw new TypeError(`not a network in CIDR notation: "${entry}"`);
}

function isIn(address: Address, networks: AllowList): boolean {
  return networks.some(([network, bits]) =>
    isV4(address)
      ? isV4(network) && address.match(network, bits)
      : !isV4(network) && address.match(network, bits),
  );
}

/** `::ffff:a.b.c.d` reaches the same place as `a.b.c.d`, so whoever allows the one allows the other. */
function unmapped(address: Address): Address {
  return !isV4(address) && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

function isV4(address: Address): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}
