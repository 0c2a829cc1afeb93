import { ServiceConfigError } from '@countersign/service-kit';
import { readSyslogSettings } from './syslog.settings';

const read = (env: NodeJS.ProcessEnv) => readSyslogSettings(env, 'https://approvals.example.com/');
const COUNTERSIGN_SYSLOG_URL = 'tls://siem.example.com';

describe('the settings', () => {
  it('are none without a URL', () => expect(read({ COUNTERSIGN_SYSLOG_FROM: 'start' })).toBeNull());

  it('have the ports and limits of the standards', () => {
    expect(read({ COUNTERSIGN_SYSLOG_URL })).toEqual({
      host: 'siem.example.com',
      port: 6514,
      tls: {},
      workspaces: null,
      fromStart: false,
      hostname: 'approvals.example.com',
      enterprise: '32473',
      personal: false,
      most: 8_192,
    });
    expect(read({ COUNTERSIGN_SYSLOG_URL: 'tcp://[::1]:1514' })).toMatchObject({
      host: '::1',
      port: 1514,
      tls: null,
    });
  });

  it.each([
    { COUNTERSIGN_SYSLOG_URL: 'udp://siem.example.com' },
    { COUNTERSIGN_SYSLOG_URL: 'siem.example.com:514' },
    { COUNTERSIGN_SYSLOG_URL: 'tcp://siem.example.com/path' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_WORKSPACES: 'all' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_FROM: 'yesterday' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_ENTERPRISE: 'acme' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_PERSONAL: 'yes' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_CA: '/nowhere/ca.pem' },
    { COUNTERSIGN_SYSLOG_URL, COUNTERSIGN_SYSLOG_MAX_BYTES: '100' },
  ])('refuse %j by the name of the variable', (env) => {
    expect(() => read(env)).toThrow(ServiceConfigError);
    expect(() => read(env)).toThrow(Object.keys(env).at(-1));
  });
});
