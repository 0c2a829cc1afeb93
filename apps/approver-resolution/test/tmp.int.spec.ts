import { TestService } from './test-service';
import { v7 } from 'uuid';
it('x', async () => {
  const service = await TestService.start();
  await service.user('ann@test');
  await service.group('small', ['ann@test']);
  const ws = v7();
  await service.rows(
    `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
     SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, true, '{}' FROM generate_series(1, 10000) n`, [ws]);
  const g = v7();
  await service.rows(`INSERT INTO group_ (workspace_id, id, display_name) VALUES ($1, $2, 'crowd')`, [ws, g]);
  await service.rows('BEGIN');
  await service.rows(`INSERT INTO membership SELECT $1, $2, id FROM user_ WHERE workspace_id = $1`, [ws, g]);
  await service.rows(`SET LOCAL ROLE countersign_approver_resolution`);
  await service.rows(`SET LOCAL app.workspaces = '${ws}'`);
  const ex = async (t: string, v: unknown[]) => console.log((await service.rows<Record<string, string>>(`EXPLAIN (ANALYZE, COSTS) ${t}`, v)).map((r) => r['QUERY PLAN']).join('\n'));
  await ex(`SELECT g.id, coalesce(member.list, '[]') AS members
       FROM group_ g
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('value', u.id, 'display', u.display_name) ORDER BY u.id) AS list
           FROM membership m JOIN user_ u ON u.workspace_id = m.workspace_id AND u.id = m.user_id
          WHERE m.workspace_id = g.workspace_id AND m.group_id = g.id AND $3
       ) member ON true
      WHERE g.workspace_id = $1 AND g.id = ANY ($2::uuid[])
      ORDER BY g.id`, [ws, [g], true]);
  await service.rows('ROLLBACK');
  await service.stop();
}, 60000);
