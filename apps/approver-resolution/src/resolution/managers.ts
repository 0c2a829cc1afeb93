import type { Sql } from '@countersign/persistence';
import { refKey } from '../directory/directory-ref';
import { personColumns, type PersonRow } from '../directory/user.rows';

export interface Climb {
  workspaceId: string;
  userId: string;
  /** The most levels to climb. */
  levels: number;
}

export interface ClimbedRow extends PersonRow {
  /** 0 is where the climb starts, 1 the line manager. */
  level: number;
  approval_limit: number | null;
}

const climbKey = ({ workspaceId, userId }: Omit<Climb, 'levels'>): string =>
  refKey({ workspaceId, ref: userId.toLowerCase() });

/** Climbs by where they start, each as high as any source asks. */
export class Climbs {
  private readonly climbs = new Map<string, Climb>();
  private readonly rows = new Map<string, ClimbedRow[]>();

  plan(climb: Climb): void {
    const key = climbKey(climb);
    const known = this.climbs.get(key);
    if (!known || known.levels < climb.levels) this.climbs.set(key, climb);
  }

  /** Looks up all that is planned. A circle ends where it closes, and nobody is above themselves. */
  async make(sql: Sql): Promise<void> {
    if (this.climbs.size === 0) return;
    const climbs = [...this.climbs];
    const rows = await sql.query<ClimbedRow & { climb: number }>(
      `WITH RECURSIVE climbed AS (
         SELECT c.climb::int, c.levels, 0 AS level, u.id, u.manager_id, ARRAY[u.id] AS path
           FROM unnest($1::uuid[], $2::uuid[], $3::int[]) WITH ORDINALITY AS c (workspace_id, user_id, levels, climb)
           JOIN user_ u ON u.id = c.user_id AND (u.workspace_id = c.workspace_id) IS TRUE
         UNION ALL
         SELECT c.climb, c.levels, c.level + 1, u.id, u.manager_id, c.path || u.id
           FROM climbed c JOIN user_ u ON u.id = c.manager_id
          WHERE c.level < c.levels AND u.id <> ALL (c.path)
       )
       SELECT c.climb - 1 AS climb, c.level, u.approval_limit, ${personColumns}
         FROM climbed c JOIN user_ u ON u.id = c.id
        ORDER BY c.climb, c.level`,
      [
        climbs.map(([, climb]) => climb.workspaceId),
        climbs.map(([, climb]) => climb.userId),
        climbs.map(([, climb]) => climb.levels),
      ],
    );
    for (const row of rows) {
      const key = climbs[row.climb]?.[0] ?? '';
      const known = this.rows.get(key);
      if (known) known.push(row);
      else this.rows.set(key, [row]);
    }
  }

  /** The user and those above, nearest first, as high as the climb asks; empty when the user is unknown. */
  rowsOf(climb: Climb): ClimbedRow[] {
    return (this.rows.get(climbKey(climb)) ?? []).slice(0, climb.levels + 1);
  }
}
