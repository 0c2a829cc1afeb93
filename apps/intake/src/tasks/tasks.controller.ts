import { Controller, Get, Post } from '@nestjs/common';
import { madeAt, type DirectoryPerson } from '@countersign/contracts';
import { People, type Sightings } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  callingActor,
  decodeCursor,
  EmptyBody,
  idPosition,
  ok,
  Operation,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { filterByPerson } from '../filter-by-person';
import { RequestCommands } from '../requests/request-commands';
import { requestSchema, taskSchema } from '../requests/request.schema';
import { DecisionBody, ListTasksQuery, ReassignBody } from './task.bodies';
import { TaskArrivals } from './task-arrivals';
import { findTask, listTasks, taskAlone, type VersionedTask } from './task.rows';

/**
 * Who is told of a task by webhook may be faster than our own read model, by minutes after an outage. So a call for a task
 * that is not there but whose id is young waits a little, and is then told to come again rather than that there is none.
 */
const onItsWayMs = 5 * 60_000;
const patienceMs = 5_000;
/** Clocks of two machines may differ by this much. */
const clockSkewMs = 2_000;

const commandAnswers = {
  200: { description: 'The request as it now is', schema: requestSchema },
  202: { description: 'Not settled yet; see /v1/commands/{id}', schema: { type: 'object' } },
};

@Controller('v1/tasks')
export class TasksController {
  constructor(
    private readonly database: Database,
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
    const { row, seen } = await this.find(call);
    const actor = await this.people.actor(call, seen);
    // A task changes with its request, so it carries the request's version.
    return ok(taskAlone(row, actor?.id ?? null), { etag: `"${row.version}"` });
  }

  @Post(':id/decision')
  @PathId('id', 'Task id')
  @Operation({
    scope: 'tasks:decide',
    trail: 'task.decided',
    summary: 'Decide a task as the person named in Countersign-Actor',
    body: DecisionBody,
    answers: commandAnswers,
  })
  async decide(@Caller() call: Call): Promise<Answer> {
    // Before anything is looked up: who acts must not have been active only when a slow body began to arrive.
    await call.rawBody().catch(() => undefined);
    const {
      row: { task },
      seen,
    } = await this.find(call);
    const body = await call.body(DecisionBody);
    if (call.actorRef === null)
      throw new Problem('actor_required', 'Name the person who decides in Countersign-Actor.');
    const actor = callingActor(call, await this.people.actor(call, seen));
    return this.commands.run(call, 'request.decide.v1', task.requestId, {
      actor,
      taskId: task.id,
      decision: body.decision,
      comment: body.comment ?? null,
      reasonCode: body.reasonCode ?? null,
      revision: body.revision ?? null,
    });
  }

  @Post(':id/reassign')
  @PathId('id', 'Task id')
  @Operation({
    scope: 'tasks:decide',
    trail: 'task.reassigned',
    summary: 'Give a task to somebody else: it becomes reassigned, and a new one opens',
    body: ReassignBody,
    answers: commandAnswers,
  })
  async reassign(@Caller() call: Call): Promise<Answer> {
    await call.rawBody().catch(() => undefined);
    const {
      row: { task },
      seen,
    } = await this.find(call);
    const { to, reason } = await call.body(ReassignBody);
    const { id, externalId, userName, displayName, email, version } = await this.receiver(call, to);
    const actor = callingActor(call, await this.people.actor(call, seen));
    return this.commands.run(call, 'task.reassign.v1', task.requestId, {
      actor,
      taskId: task.id,
      to: { id, externalId, userName, displayName, email },
      toVersion: version,
      reason: reason ?? null,
    });
  }

  @Post(':id/remind')
  @PathId('id', 'Task id')
  @Operation({
    scope: 'tasks:decide',
    trail: 'task.reminded',
    summary: 'Remind the assignee of a task, at most once an hour',
    body: EmptyBody,
    answers: { 200: { description: 'The task', schema: taskSchema }, 202: commandAnswers[202] },
  })
  async remind(@Caller() call: Call): Promise<Answer> {
    await call.rawBody().catch(() => undefined);
    const {
      row: { task },
      seen,
    } = await this.find(call);
    await call.body(EmptyBody);
    const person = await this.people.actor(call, seen);
    return this.commands.run(
      call,
      'task.remind.v1',
      task.requestId,
      { actor: callingActor(call, person), taskId: task.id },
      async (sql) => {
        const row = await findTask(sql, task.id);
        return row && ok(taskAlone(row, person?.id ?? null), { etag: `"${row.version}"` });
      },
    );
  }

  /** Who is to get a task. Throws Problem unknown_reference. */
  private async receiver(call: Call, ref: string): Promise<DirectoryPerson> {
    const person = await this.people.find(call.workspaceId, ref, call.cause);
    if (person?.active) return person;
    throw new Problem('unknown_reference', 'Whom the task is to go to is not known.', {
      errors: [
        {
          pointer: '/to',
          message: 'Names nobody, or more than one person, who is active in this workspace.',
        },
      ],
    });
  }

  /** The task, and whom the same look has seen of those who may be acting. */
  private async find(call: Call): Promise<{ row: VersionedTask; seen: Sightings }> {
    const id = call.id('task');
    const look = async () => {
      const [row, seen] = await this.database.read(call.workspaceId, (sql) =>
        Promise.all([findTask(sql, id), this.people.look(sql, call.workspaceId, [call.actorRef])]),
      );
      if (row) allowWorkflow(call, row.workflow.key);
      return row && { row, seen };
    };
    const found = await look();
    if (found) return found;
    const age = Date.now() - (madeAt(id) ?? 0);
    if (age > onItsWayMs || age < -clockSkewMs) throw Problem.notFound('task');
    if (!(await this.arrivals.wait(id, patienceMs))) {
      throw new Problem('unavailable', 'There is no such task yet. Try again.', {
        headers: { 'retry-after': '1' },
      });
    }
    const arrived = await look();
    // It is there and we do not see it: another workspace's.
    if (!arrived) throw Problem.notFound('task');
    return arrived;
  }
}
