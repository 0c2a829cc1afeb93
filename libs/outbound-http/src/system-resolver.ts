import { lookup, Resolver as DnsClient } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** All addresses of a name; rejects when there is none. */
export type Resolver = (hostname: string) => Promise<ResolvedAddress[]>;

const QUERY = { timeout: 2_000, tries: 2 };
// getaddrinfo blocks one of libuv's four threads until it returns: names whose servers are silent must
// not take all of them from the rest of the process.
const MAX_BLOCKING_LOOKUPS = 2;

/**
 * Resolves by DNS queries off the thread pool. What DNS does not know, and names without a dot
 * (`localhost`, a service of the same cluster), go to getaddrinfo with its hosts file and search domains.
 * @param servers DNS servers as `dns.setServers` takes them; those of the system by default
 */
export function systemResolver(servers?: readonly string[]): Resolver {
  const client = new DnsClient(QUERY);
  if (servers) client.setServers(servers);
  const blocking = limited(MAX_BLOCKING_LOOKUPS);

  return async (hostname) => {
    const name = hostname.replace(/\.$/, '');
    if (name.includes('.') && !name.endsWith('.localhost')) {
      const found = await byQuery(client, name);
      if (found.length > 0) return found;
    }
    const all = await blocking(() => lookup(hostname, { all: true, order: 'verbatim' }));
    return all.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  };
}

/** Empty when DNS does not know the name; rejects when it does not say. */
async function byQuery(client: DnsClient, name: string): Promise<ResolvedAddress[]> {
  const answers = await Promise.allSettled([client.resolve4(name), client.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length > 0)
    return addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
  for (const answer of answers) {
    if (answer.status === 'rejected' && !isAbsent(answer.reason)) throw answer.reason;
  }
  return [];
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  // ECONNREFUSED: there is no DNS server at all, so the hosts file is all there is.
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'ECONNREFUSED';
}

function limited(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
