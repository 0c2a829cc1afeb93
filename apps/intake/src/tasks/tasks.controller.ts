import { Controller, Get, Inject, Post } from '@nestjs/common';
import { madeAt } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  decodeCursor,
  idPosition,
  ok,
  Operation,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  SWEEPER,
  type Answer,
} from '@countersign/service-kit';
import { callingActor } from '../calling-actor';
import { filterByPerson } from '../filter-by-person';
import { RequestCommands } from '../requests/request-commands';
import { requestSchema, taskSchema } from '../requests/request.schema';
import { DecisionBody, ListTasksQuery } from './task.bodies';
import { TaskArrivals } from './task-arrivals';
import { findTask, isTaskId, listTasks, taskAlone } from './task.rows';

/**
 * Who is told of a task by webhook may be faster than our own read model, by minutes after an outage. So a call for a task
 * that is not there but whose id is young waits a little, and is then told to come again rather than that there is none.
 */
const onItsWayMs = 5 * 60_000;
const patienceMs = 2_000;
/** Between two looks for what another replica may have stored. */
const lookMs = 100;
/** Clocks of two machines may differ by this much. */
const clockSkewMs = 2_000;

@Controller('v1/tasks')
export class TasksController {
  constructor(
    private readonly database: Database,
    @Inject(SWEEPER) private readonly sweeper: Database,
    private readonly people: People,
    private readonly commands: RequestCommands,
    private readonly arrivals: TaskArrivals,
  ) {}

  @Get()
  @Operation({
    scope: 'tasks:read',
    summary: 'Tasks, newest first',
    query: ListTasksQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(taskSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const query = call.query(ListTasksQuery);
    const before = decodeCursor('tasks', query.cursor, idPosition);
    const actor = await this.people.actor(call);
    const assigneeId = await filterByPerson(this.people, call, query.assignee);
    if (assigneeId === null) return ok({ data: [], nextCursor: null });
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listTasks(
        sql,
        call.workspaceId,
        { ...query, assigneeId, allowed: call.identity.key.workflows },
        before,
        query.limit,
      ),
    );
    return ok(
      pageOf(
        'tasks',
        rows,
        query.limit,
        ({ id }) => id,
        (row) => taskAlone(row, actor?.id ?? null),
      ),
    );
  }

  @Get(':id')
  @PathId('id', 'Task id')
  @Operation({
    scope: 'tasks:read',
    summary: 'A task',
    answers: { 200: { description: 'The task', schema: taskSchema } },
  })
  async get(@Caller() call: Call): Promise<Answer> {
    const row = await this.find(call);
    const actor = await this.people.actor(call);
    // A task changes with its request, so it carries the request's version.
    return ok(taskAlone(row, actor?.id ?? null), { etag: `"${row.version}"` });
  }

  @Post(':id/decision')
  @PathId('id', 'Task id')
  @Operation({
    scope: 'tasks:decide',
    summary: 'Decide a task as the person named in Countersign-Actor',
    body: DecisionBody,
    answers: {
      200: { description: 'The request as it now is', schema: requestSchema },
      202: { description: 'Not settled yet; see /v1/commands/{id}', schema: { type: 'object' } },
    },
  })
  async decide(@Caller() call: Call): Promise<Answer> {
    const { task } = await this.find(call);
    const body = await call.body(DecisionBody);
    if (call.actorRef === null)
      throw new Problem('actor_required', 'Name the person who decides in Countersign-Actor.');
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.decide.v1', task.requestId, {
      actor,
      taskId: task.id,
      decision: body.decision,
      comment: body.comment ?? null,
      reasonCode: body.reasonCode ?? null,
      revision: body.revision ?? null,
    });
  }

  private async find(call: Call) {
    const id = call.id('task');
    const giveUpAt = Date.now() + patienceMs;
    const look = () => this.database.read(call.workspaceId, (sql) => findTask(sql, id));
    let row = await look();
    while (!row) {
      const age = Date.now() - (madeAt(id) ?? 0);
      if (age > onItsWayMs || age < -clockSkewMs) throw Problem.notFound('task');
      const arrival = this.arrivals.wait(id, lookMs);
      const isThere = await this.sweeper.everywhere((sql) => isTaskId(sql, id));
      row = await look();
      if (row) break;
      // It is there and we do not see it: another workspace's.
      if (isThere) throw Problem.notFound('task');
      if (Date.now() > giveUpAt) {
        throw new Problem('unavailable', 'There is no such task yet. Try again.', {
          headers: { 'retry-after': '1' },
        });
      }
      await arrival;
      row = await look();
    }
    allowWorkflow(call, row.workflow.key);
    return row;
  }
}
