import { Controller, Inject, Post } from '@nestjs/common';
import { Call, Caller, CONFIG, Operation, type Answer, type ServiceConfig } from '@countersign/service-kit';
import { DirectoryWrites } from './directory-writes';
import { readBulk } from './read-bulk';
import { scimBody } from './read-resource';
import { BulkRun } from './run-bulk';
import { scimOk } from './scim-answer';
import { bulkBody, bulkDocument } from './scim-document';

/** Many changes in one call (RFC 7644 §3.7). */
@Controller('scim/v2/Bulk')
export class BulkController {
  constructor(
    private readonly writes: DirectoryWrites,
    @Inject(CONFIG) private readonly config: ServiceConfig,
  ) {}

  @Post()
  @Operation({
    query: 'any',
    scope: 'directory:write',
    trail: 'directory.changed',
    summary: 'Create, replace, change and delete users and groups',
    body: bulkBody,
    answers: { 200: bulkDocument },
  })
  async run(@Caller() call: Call): Promise<Answer> {
    const bulk = readBulk(await scimBody(call));
    return this.writes.once(
      call,
      async (work) => {
        const { results, change } = await new BulkRun(work, bulk, this.config.publicUrl).run();
        return {
          operation: 'bulk',
          change,
          answer: () =>
            scimOk({
              schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'],
              Operations: results,
            }),
        };
      },
      'exclusive',
    );
  }
}
