import type { CallOptions, HttpAnswer, TestService } from '../test-service';
import { urns } from './urns';

export interface ScimResource {
  [member: string]: unknown;
  id: string;
  schemas: string[];
  meta: { resourceType: string; created: string; lastModified: string; location: string; version: string };
}

export interface ScimError {
  schemas: string[];
  status: string;
  scimType?: string;
  detail: string;
}

export interface ScimList {
  schemas: string[];
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  Resources: ScimResource[];
}

export interface BulkAnswer {
  schemas: string[];
  Operations: {
    method: string;
    bulkId?: string;
    location?: string;
    version?: string;
    status: string;
    response?: ScimError;
  }[];
}

/** What a test calls a SCIM service with; every answer may be a resource or an error. */
export class ScimClient {
  constructor(
    private readonly service: TestService,
    private readonly workspaceId = service.workspaceId,
  ) {}

  call<Body = ScimResource & ScimError>(
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<HttpAnswer<Body>> {
    return this.service.call<Body>(method, `/scim/v2${path}`, body, options, this.workspaceId);
  }

  /** PATCH with these operations. */
  patch(path: string, Operations: unknown, options: CallOptions = {}) {
    return this.call('PATCH', path, { schemas: [urns.patch], Operations }, options);
  }

  bulk(Operations: unknown[], more: Record<string, unknown> = {}, options: CallOptions = {}) {
    return this.call<BulkAnswer & ScimError>(
      'POST',
      '/Bulk',
      { schemas: [urns.bulk], ...more, Operations },
      options,
    );
  }

  /** Creates a user and gives it as it is shown. */
  async user(userName: string, more: Record<string, unknown> = {}): Promise<ScimResource> {
    const answer = await this.call('POST', '/Users', { schemas: [urns.user], userName, ...more });
    if (answer.status !== 201) throw new Error(`${userName}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Creates a group and gives it as it is shown. */
  async group(displayName: string, members: unknown[] = []): Promise<ScimResource> {
    const answer = await this.call('POST', '/Groups', { schemas: [urns.group], displayName, members });
    if (answer.status !== 201) throw new Error(`${displayName}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async list(path: string, query: Record<string, string> = {}): Promise<ScimList> {
    const answer = await this.call<ScimList>('GET', `${path}?${new URLSearchParams(query).toString()}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  async read(path: string): Promise<ScimResource> {
    const answer = await this.call('GET', path);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  /** Ids of the members of a group, sorted. */
  async members(id: string): Promise<string[]> {
    const group = await this.read(`/Groups/${id}`);
    return (group.members as { value: string }[]).map(({ value }) => value).sort();
  }
}
