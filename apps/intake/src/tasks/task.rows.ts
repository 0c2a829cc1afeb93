import { taskView, type TaskSnapshot, type WorkflowRef } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

export interface TaskRow {
  id: string;
  task: TaskSnapshot;
  workflow: WorkflowRef;
  title: string;
}

/** With the version of its request. */
export interface VersionedTask extends TaskRow {
  version: number;
}

/** A task by itself, with what a person needs to know of its request. */
export const taskAlone = ({ task, workflow, title }: TaskRow, actorId: string | null) => ({
  ...taskView(task),
  workflow: { key: workflow.key, version: workflow.version },
  requestTitle: title,
  canDecide:
    task.state === 'open' &&
    actorId !== null &&
    (task.assignee.id === actorId || task.onBehalfOf?.id === actorId),
});

const columns = `t.id, t.task, r.snapshot -> 'workflow' AS workflow, r.snapshot ->> 'title' AS title, r.version`;

export const findTask = async (sql: Sql, id: string): Promise<VersionedTask | null> => {
  const [row] = await sql.query<VersionedTask & Record<string, unknown>>(
    `SELECT ${columns} FROM task t JOIN request r ON r.id = t.request_id WHERE t.id = $1`,
    [id],
  );
  return row ?? null;
};

/** Which of these are tasks of any workspace; asked as the role that sees the ids of all and nothing else. */
export const whichAreTasks = async (sql: Sql, ids: readonly string[]): Promise<string[]> =>
  (await sql.query<{ id: string }>('SELECT id FROM task WHERE id = ANY ($1::uuid[])', [ids])).map(
    ({ id }) => id,
  );

export interface TaskFilter {
  /** Who may decide it: whoever holds it, and whose it is under a delegation. */
  assigneeId?: string;
  state?: string;
  workflow?: string;
  requestId?: string;
  dueBefore?: string;
  /** Workflows that the key may see; null for all. */
  allowed: string[] | null;
}

/** Newest first, before a position; one row more than the page. */
export const listTasks = async (
  sql: Sql,
  workspaceId: string,
  filter: TaskFilter,
  before: string | null,
  limit: number,
): Promise<TaskRow[]> => {
  const conditions = ['t.workspace_id = $1', '($2::uuid IS NULL OR t.id < $2)'];
  const values: unknown[] = [workspaceId, before];
  const where = (condition: string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length}`));
  };
  where('t.state = ?', filter.state);
  where('t.workflow_key = ?', filter.workflow);
  where('t.request_id = ?', filter.requestId);
  where('t.due_at < ?::timestamptz', filter.dueBefore);
  where('t.workflow_key = ANY (?::text[])', filter.allowed);
  values.push(limit + 1);
  const most = `$${values.length}`;
  const page = (...more: string[]) =>
    `(SELECT * FROM task t WHERE ${[...conditions, ...more].join(' AND ')} ORDER BY t.id DESC LIMIT ${most})`;
  let found = page();
  if (filter.assigneeId !== undefined) {
    values.push(filter.assigneeId);
    const person = `$${values.length}`;
    // A page of each, so that both find theirs by an index; the second has none of the first.
    found = `(${page(`t.assignee_id = ${person}`)}
       UNION ALL ${page(`t.on_behalf_of_id = ${person}`, `t.assignee_id <> ${person}`)} ORDER BY id DESC LIMIT ${most})`;
  }
  return sql.query<TaskRow & Record<string, unknown>>(
    `SELECT ${columns} FROM ${found} t JOIN request r ON r.id = t.request_id ORDER BY t.id DESC`,
    values,
  );
};
