import { Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { Call, Caller, CONFIG, Operation, type Answer, type ServiceConfig } from '@countersign/service-kit';
import { cutByMembers, mostWithMembers } from './cut-page';
import { groupUrn } from './group.schema';
import { groupsById } from './group.store';
import { projectedGroup } from './group.view';
import { readListQuery, readSearchRequest, type ListQuery, type QueryParameters } from './list-query';
import { isWanted } from './project-attributes';
import { scimBody } from './read-resource';
import { listOf, scimOk } from './scim-answer';
import { listDocument, searchBody } from './scim-document';
import { ListParameters } from './scim-parameters';
import { search } from './search';
import { usersById } from './user.store';
import { projectedUser } from './user.view';

/** Users and groups in one list (RFC 7644 §3.4.2.1, §3.4.3). */
@Controller('scim/v2')
export class SearchController {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ServiceConfig,
  ) {}

  @Get()
  @Operation({
    query: ListParameters,
    scope: 'directory:read',
    summary: 'List users and groups',
    answers: { 200: listDocument('Users and groups') },
  })
  async list(@Caller() call: Call, @Query() query: QueryParameters): Promise<Answer> {
    return this.find(call, readListQuery(query));
  }

  @Post('.search')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    trail: 'none: it reads',
    summary: 'List users and groups, with the query in the body',
    body: searchBody,
    answers: { 200: listDocument('Users and groups') },
  })
  async search(@Caller() call: Call): Promise<Answer> {
    return this.find(call, readSearchRequest(await scimBody(call)));
  }

  private async find(call: Call, { count, ...query }: ListQuery): Promise<Answer> {
    const { projection, startIndex } = query;
    const withMembers = isWanted('members', projection, groupUrn);
    const find = search('any', call.workspaceId, {
      ...query,
      count: withMembers ? Math.min(count, mostWithMembers) : count,
    });
    const { total, views } = await this.database.read(call.workspaceId, async (sql) => {
      const page = await find(sql);
      const found = withMembers ? await cutByMembers(sql, page.found) : page.found;
      const ids = (kind: 'User' | 'Group') => found.filter((one) => one.kind === kind).map(({ id }) => id);
      const known = new Map<string, Record<string, unknown>>();
      for (const row of await usersById(sql, ids('User')))
        known.set(row.id, projectedUser(row, this.config.publicUrl, projection));
      for (const row of await groupsById(sql, ids('Group'), withMembers))
        known.set(row.id, projectedGroup(row, this.config.publicUrl, projection));
      return { total: page.total, views: found.flatMap(({ id }) => known.get(id) ?? []) };
    });
    return scimOk(listOf(views, total, startIndex));
  }
}
