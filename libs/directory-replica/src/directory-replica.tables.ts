import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Creates a service's copy of the directory's people, and the questions it has asked the directory. */
export const createDirectoryReplicaTables = async (runner: QueryRunner, schema: string): Promise<void> => {
  await runner.query(`
    CREATE TABLE person (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      external_id text,
      user_name text NOT NULL,
      version bigint NOT NULL,
      active boolean NOT NULL,
      person json,
      PRIMARY KEY (workspace_id, id)
    )`);
  // Lower case in the column, not in the index: under row-level security an expression that is not leakproof is no index condition.
  await runner.query('CREATE INDEX person_user_name ON person (user_name, workspace_id)');
  await runner.query('CREATE INDEX person_external_id ON person (external_id, workspace_id)');
  await runner.query(`
    CREATE TABLE directory_question (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      answer json,
      asked_at timestamptz NOT NULL DEFAULT now()
    )`);
  await isolateByWorkspace(runner, 'person');
  await isolateByWorkspace(runner, 'directory_question');
  await openToRelay(runner, 'directory_question', 'SELECT, DELETE', roleOf(schema, 'relay'));
};

/** Forgets questions that were never answered; whoever asked has long been told to try again. */
export const forgetDirectoryQuestions = `DELETE FROM directory_question WHERE asked_at < now() - interval '10 minutes'`;
