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
import { cutByMembers, mostWithMembers } from './cut-page';
import { DirectoryWrites, type DirectoryWork } from './directory-writes';
import { changeOf } from './group-change';
import { createGroup, patchGroup, putGroup, removeGroup } from './group.changes';
import { groupUrn } from './group.schema';
import { groupsById, type GroupRow } from './group.store';
import { groupLocation, projectedGroup } from './group.view';
import {
  readListQuery,
  readProjection,
  readSearchRequest,
  type ListQuery,
  type Projection,
  type QueryParameters,
} from './list-query';
import { isWanted } from './project-attributes';
import { readGroup } from './read-group';
import { readPatch } from './read-patch';
import { scimBody } from './read-resource';
import {
  checkVersion,
  isKnown,
  listOf,
  notModified,
  preconditionsOf,
  scimCreated,
  scimOk,
  tagged,
} from './scim-answer';
import { listDocument, patchBody, resourceBody, resourceDocument, searchBody } from './scim-document';
import { ListParameters, ProjectionParameters } from './scim-parameters';
import { search } from './search';

/** Groups as SCIM 2.0 provisions them (RFC 7644 §3). */
@Controller('scim/v2/Groups')
export class GroupsController {
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
    summary: 'Create a group',
    body: resourceBody,
    answers: { 201: resourceDocument('The group') },
  })
  async create(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const projection = readProjection(query);
    const group = readGroup(await scimBody(call));
    return this.writes.once(call, async (work) => {
      const id = v7();
      return {
        operation: 'create',
        change: await createGroup({ ...work, id }, group),
        answer: async () => {
          const row = await this.written(work, id, projection);
          return scimCreated(
            this.view(row, projection),
            groupLocation(this.config.publicUrl, id),
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
    summary: 'List groups',
    answers: { 200: listDocument('Groups') },
  })
  async list(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    return this.find(call, readListQuery(query));
  }

  @Post('.search')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    trail: 'none: it reads',
    summary: 'List groups, with the query in the body',
    body: searchBody,
    answers: { 200: listDocument('Groups') },
  })
  async search(@Caller() call: Call): Promise<Answer> {
    return this.find(call, readSearchRequest(await scimBody(call)));
  }

  @Get(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:read',
    summary: 'Read a group',
    answers: { 200: resourceDocument('The group'), 304: { description: 'The client has this version' } },
  })
  async read(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const known = await this.load(call, false);
    const projection = readProjection(query);
    if (isKnown(preconditionsOf(call), known.version)) return notModified(known.version);
    const row = isWanted('members', projection, groupUrn) ? await this.load(call, true) : known;
    return scimOk(this.view(row, projection), row.version);
  }

  @Put(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Replace a group',
    body: resourceBody,
    answers: { 200: resourceDocument('The group') },
  })
  async replace(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { id } = await this.load(call, false);
    const projection = readProjection(query);
    const group = readGroup(await scimBody(call));
    return this.writes.run(call, async (work) => ({
      operation: 'replace',
      change: await putGroup({ ...work, id }, group, checkVersion(preconditionsOf(call))),
      answer: async () => {
        const row = await this.written(work, id, projection);
        return scimOk(this.view(row, projection), row.version);
      },
    }));
  }

  @Patch(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: ProjectionParameters,
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Change a group: its name, or who joins and who leaves',
    body: patchBody,
    answers: {
      200: resourceDocument('The group, when attributes or excludedAttributes ask for it'),
      204: { description: 'Changed' },
    },
  })
  async patch(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { id } = await this.load(call, false);
    const projection = readProjection(query);
    const change = changeOf(readPatch(await scimBody(call)));
    return this.writes.run(call, async (work) => ({
      operation: 'patch',
      change: await patchGroup({ ...work, id }, change, checkVersion(preconditionsOf(call))),
      answer: async () => {
        // A group may have tens of thousands of members: nobody gets them who has not asked (RFC 7644 §3.5.2).
        const isAsked = projection.attributes !== null || projection.excluded.length > 0;
        const row = await this.written(work, id, isAsked ? projection : { attributes: [], excluded: [] });
        return isAsked ? scimOk(this.view(row, projection), row.version) : tagged(noContent(), row.version);
      },
    }));
  }

  @Delete(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Delete a group',
    answers: { 204: { description: 'Deleted' } },
  })
  async delete(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call, false);
    return this.writes.run(call, async (work) => ({
      operation: 'delete',
      change: await removeGroup({ ...work, id }, checkVersion(preconditionsOf(call))),
      answer: noContent,
    }));
  }

  private async find(call: Call, { count, ...query }: ListQuery): Promise<Answer> {
    const withMembers = isWanted('members', query.projection, groupUrn);
    const find = search('Group', call.workspaceId, {
      ...query,
      count: withMembers ? Math.min(count, mostWithMembers) : count,
    });
    const { total, rows } = await this.database.read(call.workspaceId, async (sql) => {
      const page = await find(sql);
      const found = withMembers ? await cutByMembers(sql, page.found) : page.found;
      const ids = found.map(({ id }) => id);
      return { total: page.total, rows: await groupsById(sql, ids, withMembers) };
    });
    const views = rows.map((row) => this.view(row, query.projection));
    return scimOk(listOf(views, total, query.startIndex));
  }

  private async load(call: Call, withMembers: boolean): Promise<GroupRow> {
    const id = call.id('group');
    const [row] = await this.database.read(call.workspaceId, (sql) => groupsById(sql, [id], withMembers));
    if (!row) throw Problem.notFound('group');
    return row;
  }

  private async written({ tx }: DirectoryWork, id: string, projection: Projection): Promise<GroupRow> {
    const [row] = await groupsById(tx, [id], isWanted('members', projection, groupUrn));
    if (!row) throw new Error('a group is gone in the transaction that wrote it');
    return row;
  }

  private view(row: GroupRow, projection: Projection): Record<string, unknown> {
    return projectedGroup(row, this.config.publicUrl, projection);
  }
}
