import { Controller, Get, Patch, Post } from '@nestjs/common';
import { requestView, type RequestView } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import { readErasedRequests } from '@countersign/erasure';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  callingActor,
  created,
  decodeCursor,
  EmptyBody,
  Idempotency,
  idPosition,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import { filterByPerson } from '../filter-by-person';
import { WorkflowVersions, type RunnableVersion } from '../workflows/workflow-versions';
import { WorkspaceIntroductions } from '../workspace-settings/workspace-introductions';
import { RequestCommands } from './request-commands';
import { commentSchema, findComment } from './comment';
import {
  CancelBody,
  CommentBody,
  ListRequestsQuery,
  MigrateBody,
  OverrideBody,
  ReviseRequestBody,
  SubmitRequestBody,
} from './request.bodies';
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
    private readonly introductions: WorkspaceIntroductions,
  ) {}

  @Post()
  @Operation({
    scope: 'requests:write',
    trail: 'request.created',
    summary: 'Submit a request, or keep it as a draft',
    body: SubmitRequestBody,
    answers: {
      201: { description: 'Taken: it will be carried out whatever fails next', schema: requestSchema },
    },
  })
  async submit(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(SubmitRequestBody);
    const submission = await this.submissions.check(call, body);
    await this.introductions.introduce(call);
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
    return ok(pageOf('requests', rows, query.limit, ({ id }) => id));
  }

  @Get(':id')
  @PathId('id', 'Request id')
  @Operation({ scope: 'requests:read', summary: 'A request', answers: { 200: requestAnswer } })
  async get(@Caller() call: Call): Promise<Answer> {
    return ok(await this.find(call));
  }

  @Patch(':id')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    trail: ['request.revised', 'request.edited'],
    summary:
      'Change a draft, a returned request, or one under review, which makes a new revision of its payload',
    body: ReviseRequestBody,
    answers: commandAnswers,
  })
  async revise(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const { title, reason, payload } = await call.body(ReviseRequestBody);
    if (title === undefined && reason === undefined && payload === undefined) {
      throw Problem.invalid([{ pointer: '', message: 'At least one of title, reason and payload.' }]);
    }
    await this.refuseErased(call, request);
    if (payload !== undefined) {
      this.submissions.checkPayloadSize(payload);
      if (request.state !== 'draft')
        this.submissions.checkPayload(await this.versionOf(call, request), payload);
    }
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.revise.v1', request.id, {
      actor,
      title: title ?? null,
      reason: reason === undefined ? null : { value: reason },
      payload: payload === undefined ? null : { value: payload },
    });
  }

  @Post(':id/submit')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    trail: 'request.submitted',
    summary: 'Hand in a draft, or a returned request again',
    body: EmptyBody,
    answers: commandAnswers,
  })
  async handIn(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    await call.body(EmptyBody);
    await this.refuseErased(call, request);
    if (request.state === 'draft' || request.state === 'returned')
      this.submissions.checkPayload(await this.versionOf(call, request), request.payload);
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.hand-in.v1', request.id, { actor });
  }

  @Post(':id/cancel')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    trail: 'request.canceled',
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

  @Post(':id/override')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:override',
    trail: 'request.overridden',
    summary: 'Decide a request in an emergency, whoever has not answered yet',
    body: OverrideBody,
    answers: commandAnswers,
  })
  async override(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const { outcome, reason } = await call.body(OverrideBody);
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.override.v1', request.id, { actor, outcome, reason });
  }

  @Post(':id/migrate')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'workflows:publish',
    trail: 'request.migrated',
    summary: 'Move a running request to another version of its workflow',
    body: MigrateBody,
    answers: commandAnswers,
  })
  async migrate(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const { workflowVersion } = await call.body(MigrateBody);
    // Known here is known to routing, or on its way there.
    await this.versionOf(call, request, workflowVersion);
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(call, 'request.migrate.v1', request.id, { actor, workflowVersion });
  }

  @Post(':id/comments')
  @PathId('id', 'Request id')
  @Operation({
    scope: 'requests:write',
    trail: 'request.commented',
    summary: 'Comment on a request',
    body: CommentBody,
    answers: {
      201: { description: 'The comment', schema: commentSchema },
      202: commandAnswers[202],
    },
  })
  async comment(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.find(call);
    const { text } = await call.body(CommentBody);
    const actor = callingActor(call, await this.people.actor(call));
    return this.commands.run(
      call,
      'request.comment.v1',
      id,
      // A duplicate of the call, which knows the command, finds the comment by it.
      (commandId) => ({ actor, commentId: commandId, text }),
      async (sql, commandId) => {
        const comment = await findComment(sql, id, commandId);
        return comment && created(`/v1/requests/${id}/comments/${comment.id}`, comment);
      },
    );
  }

  @Get(':id/comments/:commentId')
  @PathId('id', 'Request id')
  @PathId('commentId', 'Comment id')
  @Operation({
    scope: 'requests:read',
    summary: 'A comment on a request; all of them are in its timeline',
    answers: { 200: { description: 'The comment', schema: commentSchema } },
  })
  async getComment(@Caller() call: Call): Promise<Answer> {
    const request = await this.find(call);
    const id = call.id('comment', 'commentId');
    const comment = await this.database.read(call.workspaceId, (sql) => findComment(sql, request.id, id));
    if (!comment) throw Problem.notFound('comment');
    return ok(comment);
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

  /** A version of the request's workflow, by default its own. Throws Problem unknown_reference. */
  private versionOf(
    call: Call,
    { workflow }: RequestView,
    version = workflow.version,
  ): Promise<RunnableVersion> {
    return this.database.read(call.workspaceId, (sql) =>
      this.versions.runnable(sql, call.workspaceId, workflow.key, version),
    );
  }

  /** Routing refuses to go on with such a draft as well, but says nothing here that might be about an erased request. */
  private async refuseErased(call: Call, { id, state }: RequestView): Promise<void> {
    if (state !== 'draft') return;
    const erased = await this.database.read(call.workspaceId, (sql) => readErasedRequests(sql, [id]));
    if (erased.isWhole(id))
      throw new Problem('invalid_transition', 'The draft has been erased. Make a new request.');
  }

  private async find(call: Call): Promise<RequestView> {
    const id = call.id('request');
    const request = await this.database.read(call.workspaceId, (sql) => findRequest(sql, id));
    if (!request) throw Problem.notFound('request');
    allowWorkflow(call, request.workflow.key);
    return request;
  }
}
