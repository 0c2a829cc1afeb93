import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** How far each workspace's log has been streamed. The row of the nil UUID says that streaming was set up. */
export const createSyslogTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE syslog_stream (
      workspace_id uuid PRIMARY KEY,
      next_index bigint NOT NULL,
      lease uuid,
      lease_until timestamptz NOT NULL DEFAULT '-infinity',
      -- Whose turn it is: when something of it was sent last, whether it arrived or not.
      sent_at timestamptz NOT NULL DEFAULT '-infinity'
    )`);
  await isolateByWorkspace(runner, 'syslog_stream');
  await openToRelay(runner, 'syslog_stream', 'SELECT, INSERT, UPDATE', roleOf('audit', 'relay'));
};
