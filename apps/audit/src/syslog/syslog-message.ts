import type { ExportedEntry } from '../export/exported-entry';
import { significanceOf, type Significance } from '../export/significance';

/** RFC 5424 §6.2.1: facility 13 is the log audit. */
const facility = 13;

const severities: Readonly<Record<Significance, number>> = {
  informational: 6,
  notice: 5,
  warning: 4,
  critical: 2,
};

const byteOrderMark = '\uFEFF';

export interface MessageOptions {
  /** Printable ASCII, at most 255 characters. */
  hostname: string;
  /** The private enterprise number behind the @ of the SD-ID. */
  enterprise: string;
  /** Whether sealed data goes along. */
  personal: boolean;
  /** Bytes of a message. What is longer goes without its MSG, and says so. */
  most: number;
}

/** RFC 5424 §6.3.3: these three are escaped; control characters, which no id or code has, are not let through. */
const escaped = (value: string): string => value.replace(/["\\\]]/g, '\\$&').replace(/\p{Cc}/gu, '?');

/** PRINTUSASCII of bounded length; NILVALUE for nothing. */
const printable = (text: string, most: number): string =>
  text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-';

interface Content {
  actor?: { type?: string; id?: string | null; via?: string | null };
}

/**
 * An entry as a message by RFC 5424. The structured data names workspace and index, by which a receiver knows one that it has
 * already; MSG is JSON in UTF-8 behind a byte order mark.
 */
export const syslogMessage = (
  workspaceId: string,
  entry: ExportedEntry,
  { hostname, enterprise, personal, most }: MessageOptions,
): Buffer => {
  const { actor } = JSON.parse(entry.content) as Content;
  const parameters: Record<string, string | number | null | undefined> = {
    workspace: workspaceId,
    index: entry.index,
    id: entry.id,
    type: entry.type,
    requestId: entry.requestId,
    requestVersion: entry.requestVersion,
    workflow: entry.workflow,
    actorType: actor?.type,
    actorId: actor?.id,
    actorVia: actor?.via,
    leafHash: entry.leafHash,
  };
  const data = Object.entries(parameters)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');
  const priority = facility * 8 + severities[significanceOf(entry.type)];
  const head = `<${priority}>1 ${entry.at} ${printable(hostname, 255)} countersign-audit - ${printable(entry.type, 32)}`;
  const sealed = personal ? `,"sealed":${entry.sealed}` : '';
  const whole = `${head} [countersign@${enterprise}${data}] ${byteOrderMark}{"content":${entry.content}${sealed}}`;
  const bytes = Buffer.from(whole, 'utf8');
  return bytes.length <= most
    ? bytes
    : Buffer.from(`${head} [countersign@${enterprise}${data} truncated="${bytes.length}"]`, 'utf8');
};

/** Octet counting (RFC 5425 §4.3, RFC 6587 §3.4.1): the message may hold anything. */
export const framed = (message: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${message.length} `, 'ascii'), message]);
