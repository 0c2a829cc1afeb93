import { Controller, Get, Post } from '@nestjs/common';
import type { Tx } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  Caller,
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
  type Call,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { hashOf, newApiKey, type WorkspaceKind } from '../keys/api-key';
import { ActingPerson } from '../keys/acting-person';
import { CreateWorkspace } from './workspace.dto';
import { createdWorkspaceSchema, workspaceSchema } from './workspace.schemas';

type Row = { id: string; name: string; kind: WorkspaceKind };

/** Workspaces are made and listed with the root key, the one of COUNTERSIGN_ADMIN_KEY: an admin of one workspace knows of no other. */
@Controller('v1/workspaces')
export class WorkspacesController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly acting: ActingPerson,
  ) {}

  @Post()
  @Operation({
    scope: 'admin',
    summary: 'Create a workspace (only with the key of COUNTERSIGN_ADMIN_KEY)',
    trail: 'workspace.created',
    body: CreateWorkspace,
    answers: {
      201: { description: 'The workspace; `adminKey` is shown this once.', schema: createdWorkspaceSchema },
    },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    await this.demandRoot(call);
    const { name, kind } = await call.body(CreateWorkspace);
    const person = await this.acting.of(call);
    const [id, keyId] = [v7(), v7()];
    const make = async (tx: Tx): Promise<Answer> => {
      const adminKey = newApiKey(kind);
      const [row] = await tx.query<{ made: boolean }>(
        'SELECT create_workspace($1, $2, $3, $4, $5, $6) AS made',
        [call.identity.key.id, id, name, kind, keyId, hashOf(adminKey)],
      );
      if (!row?.made) throw notRoot();
      // For whoever runs the deployment, and as the beginning of the new one's own log.
      for (const workspaceId of [call.workspaceId, id]) {
        recordFact(tx, call, person, {
          workspaceId,
          type: 'workspace.created',
          content: { workspaceId: id, kind },
          words: { name },
        });
      }
      recordFact(tx, call, person, {
        workspaceId: id,
        type: 'api_key.created',
        content: { apiKeyId: keyId, scopes: ['admin'], workflows: null, expiresAt: null, root: false },
      });
      return { ...created(`/v1/workspaces/${id}`, { id, name, kind, adminKey }), secret: true };
    };
    return this.idempotency.run(call, make, { alsoSees: [id] });
  }

  @Get()
  @Operation({
    scope: 'admin',
    summary: 'List workspaces, newest first (only with the key of COUNTERSIGN_ADMIN_KEY)',
    query: PageQuery,
    answers: { 200: { description: 'Workspaces', schema: pageSchema(workspaceSchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    await this.demandRoot(call);
    const { limit, cursor } = call.query(PageQuery);
    const after = decodeCursor('workspaces', cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      sql.query<Row>('SELECT * FROM list_workspaces($1, $2, $3)', [call.identity.key.id, after, limit + 1]),
    );
    return ok(
      pageOf(
        'workspaces',
        rows,
        limit,
        ({ id }) => id,
        ({ id, name, kind }) => ({ id, name, kind }),
      ),
    );
  }

  @Get(':id')
  @PathId('id', 'Id of the workspace')
  @Operation({
    scope: 'admin',
    summary: 'Show a workspace (only with the key of COUNTERSIGN_ADMIN_KEY)',
    answers: { 200: { description: 'The workspace', schema: workspaceSchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    await this.demandRoot(call);
    const id = call.id('workspace');
    const [row] = await this.database.read(call.workspaceId, (sql) =>
      sql.query<Row>('SELECT id, name, kind FROM list_workspaces($1, NULL, NULL) WHERE id = $2', [
        call.identity.key.id,
        id,
      ]),
    );
    if (!row) throw Problem.notFound('workspace');
    return ok(row);
  }

  private async demandRoot(call: Call): Promise<void> {
    const [row] = await this.database.read(call.workspaceId, (sql) =>
      sql.query<{ root: boolean }>('SELECT root FROM api_key WHERE workspace_id = $1 AND id = $2', [
        call.workspaceId,
        call.identity.key.id,
      ]),
    );
    if (!row?.root) throw notRoot();
  }
}

const notRoot = (): Problem =>
  new Problem(
    'insufficient_scope',
    'Workspaces need the key of COUNTERSIGN_ADMIN_KEY; the scope admin of a workspace is not enough.',
  );
