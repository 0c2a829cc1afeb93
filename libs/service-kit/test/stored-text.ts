import type { TestService } from './create-test-service';

/** Everything that a service has about a workspace in any of its tables, as text; packed text, too. */
export const storedText = async (
  service: TestService,
  workspaceId = service.workspaceId,
): Promise<string> => {
  const tables = await service.sql<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
      WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`,
  );
  if (tables.length === 0) throw new Error('a service without tables');
  const rows = await Promise.all(
    tables.map(({ name }) =>
      service.sql(`SELECT '${name}' AS name, to_jsonb(t) AS row FROM ${name} t WHERE workspace_id = $1`, [
        workspaceId,
      ]),
    ),
  );
  const text = rows
    .flat()
    .map((row) => JSON.stringify(row))
    .join('\n');
  // What is packed stands as bytes in hexadecimal.
  return text.replaceAll(/"\\\\x([0-9a-f]+)"/g, (_, hex: string) => Buffer.from(hex, 'hex').toString('utf8'));
};
