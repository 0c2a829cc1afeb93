import { Controller, Delete, Get, Inject, Patch, Post, Put, Query } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import {
  Call,
  Caller,
  CONFIG,
  noContent,
  Operation,
  PathId,
  Problem,
  type Answer,
  type ServiceConfig,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { DirectoryWrites, type DirectoryWork } from './directory-writes';
import {
  readListQuery,
  readProjection,
  readSearchRequest,
  type ListQuery,
  type Projection,
  type QueryParameters,
} from './list-query';
import { readPatch } from './read-patch';
import { scimBody } from './read-resource';
import { readUser } from './read-user';
import { ListParameters, ProjectionParameters } from './scim-parameters';
import {
  checkVersion,
  isKnown,
  listOf,
  notModified,
  preconditionsOf,
  scimCreated,
  scimOk,
} from './scim-answer';
import { listDocument, patchBody, resourceBody, resourceDocument, searchBody } from './scim-document';
import { search } from './search';
import { patchUser, putUser, removeUser, userMade } from './user.changes';
import { insertUser, usersById, type UserRow } from './user.store';
import { projectedUser, userLocation } from './user.view';

/** Users as SCIM 2.0 provisions them (RFC 7644 §3). */
@Controller('scim/v2/Users')
export class UsersController {
  constructor(
    private readonly database: Database,
    private readonly writes: DirectoryWrites,
    @Inject(CONFIG) private readonly config: ServiceConfig,
  ) {}

  @Post()
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Create a user',
    body: resourceBody,
    answers: { 201: resourceDocument('The user') },
  })
  async create(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const projection = readProjection(query);
    const user = readUser(await scimBody(call));
    return this.writes.once(call, async (work) => {
      const id = v7();
      const made = await insertUser(work.tx, call.workspaceId, id, user);
      return {
        operation: 'create',
        change: userMade(made),
        answer: async () => {
          const row = await this.written(work, id);
          return scimCreated(
            this.view(row, projection),
            userLocation(this.config.publicUrl, id),
            row.version,
          );
        },
      };
    });
  }

  @Get()
  @Operation({
    query: ListParameters,
    scope: 'directory:read',
    summary: 'List users',
    answers: { 200: listDocument('Users') },
  })
  async list(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    return this.find(call, readListQuery(query));
  }

  @Post('.search')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    trail: 'none: it reads',
    summary: 'List users, with the query in the body',
    body: searchBody,
    answers: { 200: listDocument('Users') },
  })
  async search(@Caller() call: Call): Promise<Answer> {
    return this.find(call, readSearchRequest(await scimBody(call)));
  }

  @Get(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:read',
    summary: 'Read a user',
    answers: { 200: resourceDocument('The user'), 304: { description: 'The client has this version' } },
  })
  async read(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const row = await this.load(call);
    const projection = readProjection(query);
    if (isKnown(preconditionsOf(call), row.version)) return notModified(row.version);
    return scimOk(this.view(row, projection), row.version);
  }

  @Put(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Replace a user',
    body: resourceBody,
    answers: { 200: resourceDocument('The user') },
  })
  async replace(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { id } = await this.load(call);
    const projection = readProjection(query);
    const user = readUser(await scimBody(call));
    return this.writes.run(call, async (work) => ({
      operation: 'replace',
      change: await putUser(work.tx, call.workspaceId, id, user, checkVersion(preconditionsOf(call))),
      answer: () => this.answer(work, id, projection),
    }));
  }

  @Patch(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Change attributes of a user',
    body: patchBody,
    answers: { 200: resourceDocument('The user') },
  })
  async patch(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { id } = await this.load(call);
    const projection = readProjection(query);
    const operations = readPatch(await scimBody(call));
    return this.writes.run(call, async (work) => ({
      operation: 'patch',
      change: await patchUser(work.tx, call.workspaceId, id, operations, checkVersion(preconditionsOf(call))),
      answer: () => this.answer(work, id, projection),
    }));
  }

  @Delete(':id')
  @PathId('id', 'Id of the user')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Delete a user',
    answers: { 204: { description: 'Deleted' } },
  })
  async delete(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call);
    return this.writes.run(call, async ({ tx }) => ({
      operation: 'delete',
      change: await removeUser(tx, id, checkVersion(preconditionsOf(call))),
      answer: noContent,
    }));
  }

  private async find(call: Call, query: ListQuery): Promise<Answer> {
    const find = search('User', call.workspaceId, query);
    const { total, rows } = await this.database.read(call.workspaceId, async (sql) => {
      const page = await find(sql);
      return {
        total: page.total,
        rows: await usersById(
          sql,
          page.found.map(({ id }) => id),
        ),
      };
    });
    const views = rows.map((row) => this.view(row, query.projection));
    return scimOk(listOf(views, total, query.startIndex));
  }

  private async load(call: Call): Promise<UserRow> {
    const id = call.id('user');
    const [row] = await this.database.read(call.workspaceId, (sql) => usersById(sql, [id]));
    if (!row) throw Problem.notFound('user');
    return row;
  }

  private async answer(work: DirectoryWork, id: string, projection: Projection): Promise<Answer> {
    const row = await this.written(work, id);
    return scimOk(this.view(row, projection), row.version);
  }

  private async written({ tx }: DirectoryWork, id: string): Promise<UserRow> {
    const [row] = await usersById(tx, [id]);
    if (!row) throw new Error('a user is gone in the transaction that wrote it');
    return row;
  }

  private view(row: UserRow, projection: Projection): Record<string, unknown> {
    return projectedUser(row, this.config.publicUrl, projection);
  }
}
