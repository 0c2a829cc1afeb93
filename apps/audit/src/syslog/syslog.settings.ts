import { readFileSync } from 'node:fs';
import { isUuid } from '@countersign/contracts';
import { numberOf, ServiceConfigError } from '@countersign/service-kit';
import type { MessageOptions } from './syslog-message';

/** Where the log is streamed to, for the whole deployment. */
export interface SyslogSettings extends MessageOptions {
  host: string;
  port: number;
  /** Null for plain TCP. */
  tls: { ca?: string; cert?: string; key?: string } | null;
  /** Null for all. */
  workspaces: string[] | null;
  /** Whether what was there before streaming was set up goes out, too. */
  fromStart: boolean;
}

/** The number of RFC 5612, for documentation: ours until a deployment names its own. */
const documentationEnterprise = '32473';

/** RFC 5425 §4.1 and, for TCP, RFC 3195's 601. */
const ports: Readonly<Record<string, number>> = { 'tls:': 6514, 'tcp:': 601 };

const fileOf = (env: NodeJS.ProcessEnv, name: string): string | undefined => {
  const file = env[name]?.trim();
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new ServiceConfigError(`${name} names a file that cannot be read`);
  }
};

/** Null when no `COUNTERSIGN_SYSLOG_URL` is set. Throws ServiceConfigError. */
export const readSyslogSettings = (env: NodeJS.ProcessEnv, publicUrl: string): SyslogSettings | null => {
  const text = env.COUNTERSIGN_SYSLOG_URL?.trim();
  if (!text) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const standard = url ? ports[url.protocol] : undefined;
  if (!url?.hostname || standard === undefined || url.username || !/^\/?$/.test(url.pathname) || url.search)
    throw new ServiceConfigError('COUNTERSIGN_SYSLOG_URL must be tls://host:port or tcp://host:port');
  const wanted = (env.COUNTERSIGN_SYSLOG_WORKSPACES ?? '')
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
  if (!wanted.every(isUuid))
    throw new ServiceConfigError('COUNTERSIGN_SYSLOG_WORKSPACES must be a comma list of ids of workspaces');
  const from = env.COUNTERSIGN_SYSLOG_FROM?.trim() || 'now';
  if (from !== 'now' && from !== 'start')
    throw new ServiceConfigError('COUNTERSIGN_SYSLOG_FROM must be now or start');
  const enterprise = env.COUNTERSIGN_SYSLOG_ENTERPRISE?.trim() || documentationEnterprise;
  if (!/^[1-9]\d{0,9}(\.\d{1,10}){0,2}$/.test(enterprise))
    throw new ServiceConfigError('COUNTERSIGN_SYSLOG_ENTERPRISE must be a private enterprise number');
  const personal = env.COUNTERSIGN_SYSLOG_PERSONAL?.trim() || '0';
  if (personal !== '0' && personal !== '1')
    throw new ServiceConfigError('COUNTERSIGN_SYSLOG_PERSONAL must be 0 or 1');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || standard),
    tls:
      url.protocol === 'tls:'
        ? {
            ca: fileOf(env, 'COUNTERSIGN_SYSLOG_CA'),
            cert: fileOf(env, 'COUNTERSIGN_SYSLOG_CERT'),
            key: fileOf(env, 'COUNTERSIGN_SYSLOG_KEY'),
          }
        : null,
    workspaces: wanted.length === 0 ? null : wanted.map((id) => id.toLowerCase()),
    fromStart: from === 'start',
    hostname: URL.canParse(publicUrl) ? new URL(publicUrl).hostname : '-',
    enterprise,
    personal: personal === '1',
    // RFC 5425 §4.3.1: what every receiver should be able to take.
    most: numberOf(env, 'COUNTERSIGN_SYSLOG_MAX_BYTES', 8_192, [2_048, 16_777_216]),
  };
};
