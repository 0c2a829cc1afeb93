export interface SyslogMessage {
  facility: number;
  severity: number;
  timestamp: string;
  hostname: string;
  appName: string;
  procId: string;
  msgId: string;
  /** SD-ID → PARAM-NAME → value. */
  data: Record<string, Record<string, string>>;
  msg: string | null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** By the grammar of RFC 5424 §6, and by nothing of ours; throws for whatever it does not allow. */
export const parseSyslog = (bytes: Buffer): SyslogMessage => {
  const text = utf8.decode(bytes);
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at} of ${JSON.stringify(text.slice(0, 200))}`);
  };
  const take = (pattern: RegExp, what: string): string => {
    const match = new RegExp(pattern.source, 'y');
    match.lastIndex = at;
    const found = match.exec(text)?.[0] ?? fail(what);
    at += found.length;
    return found;
  };
  const priority = Number(take(/<(?:0|[1-9]\d{0,2})>/, 'PRI').slice(1, -1));
  if (priority > 191) fail('PRI');
  take(/1 /, 'VERSION');
  const timestamp = take(
    /\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)/,
    'TIMESTAMP',
  );
  take(/ /, 'SP');
  const hostname = take(/[!-~]{1,255}/, 'HOSTNAME');
  take(/ /, 'SP');
  const appName = take(/[!-~]{1,48}/, 'APP-NAME');
  take(/ /, 'SP');
  const procId = take(/[!-~]{1,128}/, 'PROCID');
  take(/ /, 'SP');
  const msgId = take(/[!-~]{1,32}/, 'MSGID');
  take(/ /, 'SP');
  const data: SyslogMessage['data'] = {};
  const name = /[!#-<>-\\^-~]{1,32}/;
  if (text[at] === '-') at += 1;
  else
    do {
      take(/\[/, 'SD-ELEMENT');
      const id = take(name, 'SD-ID');
      if (id in data) fail('a second element of this SD-ID');
      if (id.includes('@') && !/^[^@]+@\d+(\.\d+)*$/.test(id)) fail('a private enterprise number');
      const parameters: Record<string, string> = (data[id] = {});
      while (text[at] === ' ') {
        at += 1;
        const parameter = take(name, 'PARAM-NAME');
        take(/="/, '="');
        // §6.3.3: ", \ and ] must be escaped.
        const value = take(/(?:[^"\\\]]|\\["\\\]])*/, 'PARAM-VALUE');
        take(/"/, 'the end of a PARAM-VALUE');
        parameters[parameter] = value.replace(/\\(["\\\]])/g, '$1');
      }
      take(/\]/, 'the end of an SD-ELEMENT');
    } while (text[at] === '[');
  let msg: string | null = null;
  if (at < text.length) {
    take(/ /, 'SP');
    take(/\uFEFF/, 'BOM');
    msg = text.slice(at);
  }
  return {
    facility: priority >> 3,
    severity: priority & 7,
    timestamp,
    hostname,
    appName,
    procId,
    msgId,
    data,
    msg,
  };
};
