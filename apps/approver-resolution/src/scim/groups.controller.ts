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
import { publishPeople } from '../directory/publish-people';
import { filterCondition } from './filter-condition';
import { groupFields } from './filter-fields';
import { groupUrn } from './group.schema';
import { deleteGroup, groupsById, insertGroup, lockGroup, replaceGroup, type GroupRow } from './group.store';
import { groupLocation, groupView } from './group.view';
import { readListQuery, readProjection, type Projection, type QueryParameters } from './list-query';
import { matchingIds } from './matching-ids';
import { isWanted, project } from './project-attributes';
import { readGroup } from './read-group';
import { scimBody } from './read-resource';
import { checkVersion, isKnown, listOf, notModified, scimCreated, scimOk } from './scim-answer';
import { listDocument, resourceBody, resourceDocument } from './scim-document';
import { notImplemented } from './scim-problem';

const wholeResource: Projection = { attributes: null, excluded: [] };

/** Groups in a page that shows their members, of whom each may have tens of thousands. */
const mostWithMembers = 20;

/** Groups as SCIM 2.0 provisions them (RFC 7644 §3). */
@Controller('scim/v2/Groups')
export class GroupsController {
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
    summary: 'Create a group',
    body: resourceBody,
    answers: { 201: resourceDocument('The group') },
  })
  async create(@Caller() call: Call): Promise<Answer> {
    const group = readGroup(await scimBody(call));
    await this.actor.check(call);
    return this.idempotency.run(call, async (tx) => {
      const id = v7();
      const changed = await insertGroup(tx, call.workspaceId, id, group);
      await publishPeople(tx, call.workspaceId, changed, call.cause);
      const [row] = await groupsById(tx, [id], true);
      if (!row) throw new Error('a group is gone in the transaction that made it');
      return scimCreated(
        this.view(row, wholeResource),
        groupLocation(this.config.publicUrl, id),
        row.version,
      );
    });
  }

  @Get()
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'List groups by filter, startIndex and count',
    answers: { 200: listDocument('Groups') },
  })
  async list(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const { filter, projection, startIndex, count } = readListQuery(query);
    const condition = filter === null ? null : filterCondition(filter, groupFields);
    const withMembers = isWanted('members', projection, groupUrn);
    const page = { startIndex, count: withMembers ? Math.min(count, mostWithMembers) : count };
    const { total, rows } = await this.database.read(call.workspaceId, async (sql) => {
      const found = await matchingIds(sql, 'group_', call.workspaceId, condition, page);
      return { total: found.total, rows: await groupsById(sql, found.ids, withMembers) };
    });
    return scimOk(
      listOf(
        rows.map((row) => this.view(row, projection)),
        total,
        startIndex,
      ),
    );
  }

  @Get(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'Read a group',
    answers: { 200: resourceDocument('The group') },
  })
  async read(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    const id = call.id('group');
    await this.load(call, id, false);
    const projection = readProjection(query);
    const row = await this.load(call, id, isWanted('members', projection, groupUrn));
    if (isKnown(call, row.version)) return notModified(row.version);
    return scimOk(this.view(row, projection), row.version);
  }

  @Put(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Replace a group',
    body: resourceBody,
    answers: { 200: resourceDocument('The group') },
  })
  async replace(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call, call.id('group'), false);
    const group = readGroup(await scimBody(call));
    await this.actor.check(call);
    return this.unitOfWork([call.workspaceId], async (tx) => {
      const before = await lockGroup(tx, id);
      if (!before) throw Problem.notFound('group');
      checkVersion(call, before.version);
      const changed = await replaceGroup(tx, call.workspaceId, id, before, group);
      await publishPeople(tx, call.workspaceId, changed, call.cause);
      const [row] = await groupsById(tx, [id], true);
      if (!row) throw new Error('a locked group is gone');
      return scimOk(this.view(row, wholeResource), row.version);
    });
  }

  @Patch(':id')
  @PathId('id', 'Id of the group')
  @Operation({ query: 'any', scope: 'directory:write', summary: 'Not supported', answers: {} })
  async patch(@Caller() call: Call): Promise<Answer> {
    await this.load(call, call.id('group'), false);
    throw notImplemented('PATCH');
  }

  @Delete(':id')
  @PathId('id', 'Id of the group')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Delete a group',
    answers: { 204: { description: 'Deleted' } },
  })
  async delete(@Caller() call: Call): Promise<Answer> {
    const { id } = await this.load(call, call.id('group'), false);
    await this.actor.check(call);
    await this.unitOfWork([call.workspaceId], async (tx) => {
      const before = await lockGroup(tx, id);
      if (!before) throw Problem.notFound('group');
      checkVersion(call, before.version);
      await deleteGroup(tx, id, before);
      await publishPeople(tx, call.workspaceId, before.members, call.cause);
    });
    return noContent();
  }

  private async load(call: Call, id: string, withMembers: boolean): Promise<GroupRow> {
    const [row] = await this.database.read(call.workspaceId, (sql) => groupsById(sql, [id], withMembers));
    if (!row) throw Problem.notFound('group');
    return row;
  }

  private view(row: GroupRow, projection: Projection): Record<string, unknown> {
    return project(groupView(row, this.config.publicUrl), projection, groupUrn, []);
  }
}
