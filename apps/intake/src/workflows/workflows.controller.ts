import { Controller, Get, Post } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  callingActor,
  created,
  decodeCursor,
  Idempotency,
  idPosition,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  PathId,
  Problem,
  recordFact,
  type Answer,
} from '@countersign/service-kit';
import { compileDefinition, publishProblems, type WorkflowDefinition } from '@countersign/workflow';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { v7 } from 'uuid';
import { addDraft, definitionHash } from './add-draft';
import { definitionBody, definitionOf, invalidDefinition, readDefinitionInTurn } from './read-definition';
import { versionNumber, versionPosition } from './version-number';
import {
  findVersion,
  findWorkflow,
  listVersions,
  listWorkflows,
  publishVersion,
  type WorkflowVersionView,
} from './workflow.rows';
import { workflowSchema, workflowVersionSchema } from './workflow.schema';

class PublishBody {
  /** Why: kept with the version. */
  @IsOptional() @IsString() @MaxLength(2_000) note?: string | null;
}

const versionAnswer = { description: 'The version', schema: workflowVersionSchema };

@Controller('v1/workflows')
export class WorkflowsController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
  ) {}

  @Post()
  @Operation({
    scope: 'workflows:write',
    trail: 'workflow.version_added',
    summary: 'Add a version of a workflow, as a draft',
    body: definitionBody,
    answers: { 201: { description: 'The draft', schema: workflowVersionSchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const source = await definitionOf(call);
    const parsed = await readDefinitionInTurn(source);
    if (!parsed.ok) throw invalidDefinition(parsed.errors);
    const { definition, text } = parsed;
    const mediaType = 'json' in source ? 'application/json' : source.mediaType;
    allowWorkflow(call, definition.key);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const version = await addDraft(tx, call, person, { definition, text, mediaType }, 'call');
      const view = await findVersion(tx, call.workspaceId, definition.key, version);
      return created(`/v1/workflows/${definition.key}/versions/${version}`, view, { etag: etagOf(view) });
    });
  }

  @Post(':key/versions/:version/publish')
  @PathId('key', 'Workflow key')
  @PathId('version', 'Version number')
  @Operation({
    scope: 'workflows:publish',
    trail: 'workflow.published',
    summary: 'Make a version the one that new requests use; an older one rolls back',
    body: PublishBody,
    answers: { 200: versionAnswer },
  })
  async publish(@Caller() call: Call): Promise<Answer> {
    const found = await this.version(call);
    const { note } = await call.body(PublishBody);
    const problems = publishProblems(compileDefinition(found.definition as unknown as WorkflowDefinition));
    if (problems.length > 0) throw invalidDefinition(problems);
    const person = await this.people.actor(call);
    checkIfMatch(call, found);
    return this.idempotency.run(call, async (tx) => {
      await publishVersion(tx, found.id, found.version, {
        id: v7(),
        workspaceId: call.workspaceId,
        publishedBy: callingActor(call, person),
        note: note ?? null,
      });
      recordFact(tx, call, person, {
        type: 'workflow.published',
        content: {
          workflow: found.key,
          workflowId: found.id,
          version: found.version,
          definitionHash: definitionHash(found.text),
        },
        words: { note },
      });
      tx.publish({
        type: 'workflow.published.v1',
        workspaceId: call.workspaceId,
        cause: call.cause,
        data: { workflowId: found.id, key: found.key, version: found.version, definition: found.definition },
      });
      const view = await findVersion(tx, call.workspaceId, found.key, found.version);
      return ok(view, { etag: etagOf(view) });
    });
  }

  @Get()
  @Operation({
    scope: 'workflows:read',
    summary: 'Workflows, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(workflowSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const query = call.query(PageQuery);
    const before = decodeCursor('workflows', query.cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listWorkflows(sql, call.workspaceId, call.identity.key.workflows, before, query.limit),
    );
    return ok(pageOf('workflows', rows, query.limit, ({ id }) => id));
  }

  @Get(':key')
  @PathId('key', 'Workflow key')
  @Operation({
    scope: 'workflows:read',
    summary: 'A workflow',
    answers: { 200: { description: 'The workflow', schema: workflowSchema } },
  })
  async get(@Caller() call: Call): Promise<Answer> {
    return ok(await this.workflow(call));
  }

  @Get(':key/versions')
  @PathId('key', 'Workflow key')
  @Operation({
    scope: 'workflows:read',
    summary: 'Versions of a workflow, newest first',
    query: PageQuery,
    answers: { 200: { description: 'A page', schema: pageSchema(workflowVersionSchema) } },
  })
  async versions(@Caller() call: Call): Promise<Answer> {
    const { key } = await this.workflow(call);
    const query = call.query(PageQuery);
    const before = decodeCursor('versions', query.cursor, versionPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      listVersions(sql, call.workspaceId, key, before === null ? null : Number(before), query.limit),
    );
    return ok(pageOf('versions', rows, query.limit, ({ version }) => String(version)));
  }

  @Get(':key/versions/:version')
  @PathId('key', 'Workflow key')
  @PathId('version', 'Version number')
  @Operation({ scope: 'workflows:read', summary: 'A version of a workflow', answers: { 200: versionAnswer } })
  async getVersion(@Caller() call: Call): Promise<Answer> {
    const view = await this.version(call);
    return ok(view, { etag: etagOf(view) });
  }

  private async workflow(call: Call) {
    allowWorkflow(call, call.param('key'));
    const workflow = await this.database.read(call.workspaceId, (sql) =>
      findWorkflow(sql, call.workspaceId, call.param('key')),
    );
    if (!workflow) throw Problem.notFound('workflow');
    return workflow;
  }

  private async version(call: Call): Promise<WorkflowVersionView> {
    allowWorkflow(call, call.param('key'));
    const found = await this.database.read(call.workspaceId, (sql) =>
      findVersion(sql, call.workspaceId, call.param('key'), versionNumber(call.param('version'))),
    );
    if (!found) throw Problem.notFound('workflow version');
    return found;
  }
}

/** A version is immutable but for its publication, so its number tells it from every other. */
const etagOf = (view: WorkflowVersionView | null): string => `"${view?.version ?? 0}"`;

const checkIfMatch = (call: Call, { version }: WorkflowVersionView): void => {
  if (call.expectedVersion !== null && call.expectedVersion !== version) {
    throw new Problem('version_mismatch', `This is version ${version}.`);
  }
};
