import { Controller, Delete, Get, Inject, Post } from '@nestjs/common';
import type { Scope } from '@countersign/contracts';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  allowWorkflows,
  Caller,
  created,
  decodeCursor,
  Idempotency,
  idPosition,
  noContent,
  ok,
  Operation,
  pageOf,
  PageQuery,
  pageSchema,
  PathId,
  Problem,
  recordFact,
  UNIT_OF_WORK,
  type Answer,
  type Call,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { ActingPerson } from './acting-person';
import { hashOf, newApiKey } from './api-key';
import { CreateApiKey } from './api-key.dto';
import { apiKeySchema, createdApiKeySchema } from './api-key.schemas';
import { KeyLookup } from './key-lookup';

type Row = {
  id: string;
  name: string;
  scopes: Scope[];
  workflows: string[] | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  root: boolean;
  version: number;
};

const columns = 'id, name, scopes, workflows, created_at, expires_at, revoked_at, root, version';

const view = (row: Row) => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  workflows: row.workflows,
  expiresAt: row.expires_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
  version: row.version,
});

@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly idempotency: Idempotency,
    private readonly lookup: KeyLookup,
    private readonly acting: ActingPerson,
  ) {}

  @Post()
  @Operation({
    scope: 'admin',
    summary: 'Create an API key',
    trail: 'api_key.created',
    body: CreateApiKey,
    answers: { 201: { description: 'The key; `key` is shown this once.', schema: createdApiKeySchema } },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const { name, scopes, workflows = null, expiresAt = null } = await call.body(CreateApiKey);
    if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) {
      throw Problem.invalid([{ pointer: '/expiresAt', message: 'It must be in the future.' }]);
    }
    allowWorkflows(call, workflows, 'The new API key');
    const person = await this.acting.of(call);
    return this.idempotency.run(call, async (tx) => {
      const key = newApiKey(call.identity.workspace.kind);
      const [row] = await tx.query<Row>(
        `INSERT INTO api_key (id, workspace_id, name, hash, scopes, workflows, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
        [v7(), call.workspaceId, name, hashOf(key), scopes, workflows, expiresAt],
      );
      if (!row) throw new Error('no row came back');
      recordFact(tx, call, person, {
        type: 'api_key.created',
        content: { apiKeyId: row.id, scopes, workflows, expiresAt: view(row).expiresAt, root: false },
        words: { name },
      });
      return { ...created(`/v1/api-keys/${row.id}`, { ...view(row), key }), secret: true };
    });
  }

  @Get()
  @Operation({
    scope: 'admin',
    summary: 'List API keys, newest first',
    query: PageQuery,
    answers: { 200: { description: 'API keys, those revoked as well', schema: pageSchema(apiKeySchema) } },
  })
  async list(@Caller() call: Call): Promise<Answer> {
    const { limit, cursor } = call.query(PageQuery);
    const before = decodeCursor('api-keys', cursor, idPosition);
    const rows = await this.database.read(call.workspaceId, (sql) =>
      sql.query<Row>(
        `SELECT ${columns} FROM api_key
          WHERE workspace_id = $1 AND ($3::uuid IS NULL OR id < $3)
            AND ($4::text[] IS NULL OR (cardinality(workflows) > 0 AND workflows <@ $4))
          ORDER BY id DESC LIMIT $2`,
        [call.workspaceId, limit + 1, before, call.identity.key.workflows],
      ),
    );
    return ok(pageOf('api-keys', rows, limit, ({ id }) => id, view));
  }

  @Get(':id')
  @PathId('id', 'Id of the API key')
  @Operation({
    scope: 'admin',
    summary: 'Show an API key',
    answers: { 200: { description: 'The key', schema: apiKeySchema } },
  })
  async show(@Caller() call: Call): Promise<Answer> {
    return ok(view(await this.existing(call)));
  }

  @Delete(':id')
  @PathId('id', 'Id of the API key')
  @Operation({
    scope: 'admin',
    summary: 'Revoke an API key, within 10 s everywhere',
    trail: 'api_key.revoked',
    answers: { 204: { description: 'Revoked, now or earlier' } },
  })
  async revoke(@Caller() call: Call): Promise<Answer> {
    const key = await this.existing(call);
    const person = await this.acting.of(call);
    const { expectedVersion } = call;
    if (expectedVersion !== null && expectedVersion !== key.version) {
      throw new Problem('version_mismatch', `The API key is at version ${key.version}.`);
    }
    if (key.root) {
      throw new Problem(
        'invalid_transition',
        'This key comes from COUNTERSIGN_ADMIN_KEY; another value there revokes it.',
      );
    }
    await this.unitOfWork([call.workspaceId], async (tx) => {
      const revoked = await tx.query(
        'UPDATE api_key SET revoked_at = now(), version = version + 1 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id',
        [call.workspaceId, key.id],
      );
      if (revoked.length === 0) return;
      recordFact(tx, call, person, {
        type: 'api_key.revoked',
        content: { apiKeyId: key.id, root: false },
        words: { name: key.name },
      });
    });
    this.lookup.forget(key.id);
    return noContent();
  }

  private async existing(call: Call): Promise<Row> {
    const id = call.id('API key');
    const [row] = await this.database.read(call.workspaceId, (sql) =>
      sql.query<Row>(`SELECT ${columns} FROM api_key WHERE workspace_id = $1 AND id = $2`, [
        call.workspaceId,
        id,
      ]),
    );
    if (!row) throw Problem.notFound('API key');
    allowWorkflows(call, row.workflows, 'The API key');
    return row;
  }
}
