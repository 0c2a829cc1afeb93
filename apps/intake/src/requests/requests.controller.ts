import { Controller, Get, Post } from '@nestjs/common';
import { requestView, type RequestView } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  created,
  decodeCursor,
  EmptyBody,
  Idempotency,
  idPosition,
  ok,
  Operation,
  PageQuery,
  pageOf,
  pageSchema,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { callingActor } from '../calling-actor';
import { filterByPerson } from '../filter-by-person';
import { WorkflowVersions } from '../workflows/workflow-versions';
import { RequestCommands } from './request-commands';
import { CancelBody, ListRequestsQuery, SubmitRequestBody } from './request.bodies';
import { findRequest, listRequests } from './request.rows';
import { requestSchema } from './request.schema';
import { SubmitRequest } from './submit-request';
import { listTimeline, timelinePosition, timelineSchema } from './timeline';

const requestAnswer = { description: 'The request as it now is', schema: requestSchema };
const commandAnswers = {
  200: requestAnswer,
  202: { description: 'Not settled yet; see /v1/commands/{id}', schema: { type: 'object' } },
};

@Controller('v1/requests')
export class RequestsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly submissions: SubmitRequest,
    private readonly commands: RequestCommands,
    private readonly people: People,
    private readonly versions: WorkflowVersions,
  ) {}

  @Post()
  @Operation({
    scope: 'requests:write',
    summary: 'Submit a request, or keep it as a draft',
    body: SubmitRequestBody,
    answers: {
      201: { description: 'Taken: it will be carried out whatever fails next', schema: requestSchema },
    },
  })
  async submit(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(SubmitRequestBody);
    const submission = await this.submissions.check(call, body);
    return this.idempotency.run(call, async (tx) => {
      const snapshot = this.submissions.take(call, submission, tx);
      return created(`/v1/requests/${snapshot.id}`, requestView(snapshot, body.payload));
    });
  }

  @Get()
  @Operation({
    scope: 'requests:read',
    summary: 'Requests, newest first',
    query: ListRequestsQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(requestSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const query = call.query(ListRequestsQuery);
    const before = decodeCursor('requests', query.cursor, idPosition);
    const requesterId = await filterByPerson(this.people, call, query.requester);
    if (requesterId === null) return ok({ data: [], nextCursor: null });
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listRequests(
        sql,
        call.workspaceId,
        { ...query, requesterId, allowed: call.identity.key.workflows },
        before,
        query.limit,
      ),
    );
    return ok(
      pageOf(
        'requests',
        rows,
        query.limit,
        ({ id }) => id,
        (view) => view,
      ),
    );
  }

  @Get(':id')
  @PathId('id', 'Request id')
  @Operation({ scope: 'requests:read', summary: 'A request', answers: { 200: requestAnswer } })
  async get(@Caller() call: Call): Promise<Answer> {
    return ok(await this.find(call));
  }

  @Post(':id/submit')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    summary: 'Hand in a draft',
    body: EmptyBody,
    answers: commandAnswers,
  })
  async submitDraft(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    await call.body(EmptyBody);
    if (request.state === 'draft') {
      const { key, version: number } = request.workflow;
      const version = await this.database.read(call.workspaceId, (sql) =>
        this.versions.runnable(sql, call.workspaceId, key, number),
      );
      this.submissions.checkPayload(version, request.payload);
    }
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.submit-draft.v1', request.id, { actor });
  }

  @Post(':id/cancel')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    summary: 'Withdraw a request that is not decided',
    body: CancelBody,
    answers: commandAnswers,
  })
  async cancel(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const { reason } = await call.body(CancelBody);
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.cancel.v1', request.id, { actor, reason });
  }

  @Get(':id/timeline')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:read',
    summary: 'What happened to a request, oldest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(timelineSchema) } },
  })
  async timeline(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const query = call.query(PageQuery);
    const after = decodeCursor('timeline', query.cursor, timelinePosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listTimeline(sql, request.id, after, query.limit),
    );
    return ok(
      pageOf(
        'timeline',
        rows,
        query.limit,
        ({ position }) => position,
        ({ position, ...entry }) => entry,
      ),
    );
  }

  private async find(call: Call): Promise<RequestView> {
    const id = call.id('request');
    const request = await this.database.read(call.workspaceId, (sql) => findRequest(sql, id));
    if (!request) throw Problem.notFound('request');
    allowWorkflow(call, request.workflow.key);
    return request;
  }
}
