import { Controller, Delete, Get, Inject, Patch, Post, Put, Query } from '@nestjs/common';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  Call,
  Caller,
  CONFIG,
  Idempotency,
  noContent,
  Operation,
  PathId,
  Problem,
  UNIT_OF_WORK,
  type Answer,
  type ServiceConfig,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { KnownActor } from '../directory/known-actor';
import { publishDeleted, publishPeople } from '../directory/publish-people';
import { filterCondition } from './filter-condition';
import { userFields } from './filter-fields';
import { readListQuery, readProjection, type Projection, type QueryParameters } from './list-query';
import { matchingIds } from './matching-ids';
import { project } from './project-attributes';
import { readUser } from './read-user';
import { scimBody } from './read-resource';
import { checkVersion, isKnown, listOf, notModified, scimCreated, scimOk } from './scim-answer';
import { listDocument, resourceBody, resourceDocument } from './scim-document';
import { notImplemented } from './scim-problem';
import { userExtensions, userUrn } from './user.schema';
import { deleteUser, insertUser, lockUser, replaceUser, usersById, type UserRow } from './user.store';
import { userLocation, userView } from './user.view';

const wholeResource: Projection = { attributes: null, excluded: [] };
const extensionUrns = userExtensions.map(({ id }) => id);

/** Users as SCIM 2.0 provisions them (RFC 7644 §3). */
@Controller('scim/v2/Users')
export class UsersController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly actor: KnownActor,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(CONFIG) private readonly config: ServiceConfig,
  ) {}

  @Post()
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Create a user',
    body: resourceBody,
    answers: { 201: resourceDocument('The user') },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const user = readUser(await scimBody(call));
    await this.actor.check(call);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      await insertUser(tx, call.workspaceId, id, user);
      await publishPeople(tx, call.workspaceId, [id], call.cause);
      const [row] = await usersById(tx, [id]);
      if (!row) throw new Error('a user is gone in the transaction that made it');
      return scimCreated(this.view(row, wholeResource), userLocation(this.config.publicUrl, id), row.version);
    });
  }

  @Get()
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'List users by filter, startIndex and count',
    answers: { 200: listDocument('Users') },
  })
  async list(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { filter, projection, ...page } = readListQuery(query);
    const condition = filter === null ? null : filterCondition(filter, userFields);
    const { total, rows } = await this.database.read(call.workspaceId, async (sql) => {
      const found = await matchingIds(sql, 'user_', call.workspaceId, condition, page);
      return { total: found.total, rows: await usersById(sql, found.ids) };
    });
    return scimOk(
      listOf(
        rows.map((row) => this.view(row, projection)),
        total,
        page.startIndex,
      ),
    );
  }

  @Get(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'Read a user',
    answers: { 200: resourceDocument('The user') },
  })
  async read(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const row = await this.load(call, call.id('user'));
    const projection = readProjection(query);
    if (isKnown(call, row.version)) return notModified(row.version);
    return scimOk(this.view(row, projection), row.version);
  }

  @Put(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Replace a user',
    body: resourceBody,
    answers: { 200: resourceDocument('The user') },
  })
  async replace(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call, call.id('user'));
    const user = readUser(await scimBody(call));
    await this.actor.check(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const version = await lockUser(tx, id);
      if (version === null) throw Problem.notFound('user');
      checkVersion(call, version);
      await replaceUser(tx, call.workspaceId, id, user);
      await publishPeople(tx, call.workspaceId, [id], call.cause);
      const [row] = await usersById(tx, [id]);
      if (!row) throw new Error('a locked user is gone');
      return scimOk(this.view(row, wholeResource), row.version);
    });
  }

  @Patch(':id')
  @PathId('id', 'Id of the user')
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async patch(@Caller() call: Call): Promise<Answer> {
    await this.load(call, call.id('user'));
    throw notImplemented('PATCH');
  }

  @Delete(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Delete a user',
    answers: { 204: { description: 'Deleted' } },
  })
  async delete(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call, call.id('user'));
    await this.actor.check(call);
    await this.unitOfWork([call.workspaceId], async (tx) => {
      const reports = await deleteUser(tx, id, (version) => checkVersion(call, version));
      if (!reports) throw Problem.notFound('user');
      publishDeleted(tx, call.workspaceId, id, call.cause);
      await publishPeople(tx, call.workspaceId, reports, call.cause);
    });
    return noContent();
  }

  private async load(call: Call, id: string): Promise<UserRow> {
    const [row] = await this.database.read(call.workspaceId, (sql) => usersById(sql, [id]));
    if (!row) throw Problem.notFound('user');
    return row;
  }

  private view(row: UserRow, projection: Projection): Record<string, unknown> {
    return project(userView(row, this.config.publicUrl), projection, userUrn, extensionUrns);
  }
}
