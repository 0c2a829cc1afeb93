import { Controller, Get, Inject } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  callingActor,
  content,
  IsTime,
  Operation,
  streamed,
  UNIT_OF_WORK,
  type Answer,
} from '@countersign/service-kit';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { AuditLog } from '../log/audit-log';
import { actorIdOf } from '../log/actor-id';
import type { EntryFilter } from '../log/entry.rows';
import { isUnfiltered, readPage } from './entry-page.rows';
import { recordExport, snapshotOf, type Snapshot } from './export-record';
import { formatNames, formatOf, type FormatName } from './formats/format-of';
import { RunningExports } from './running-exports';

class ExportQuery {
  @IsOptional() @IsIn(formatNames) format: FormatName = 'ndjson';
  /** Goes on behind this index, the last that was received. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(-1) @Max(Number.MAX_SAFE_INTEGER) after: number = -1;
  @IsOptional() @IsUUID() requestId?: string;
  /** Id of a user or key; a user's externalId or userName works as well. */
  @IsOptional() @IsString() @MaxLength(320) actor?: string;
  /** Id of a key, or `decision-link:<id>`: what was done on its word by those it vouched for. */
  @IsOptional() @IsString() @MaxLength(100) via?: string;
  @IsOptional() @IsString() @MaxLength(100) type?: string;
  @IsOptional() @IsString() @MaxLength(100) workflow?: string;
  @IsOptional() @IsTime() from?: string;
  @IsOptional() @IsTime() to?: string;
}

@Controller('v1/audit/export')
export class ExportController {
  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly log: AuditLog,
    private readonly people: People,
    private readonly exports: RunningExports,
  ) {}

  @Get()
  @Operation({
    scope: 'audit:read',
    summary: 'The entries of the log as a stream of any length, oldest first, up to the size it has now',
    query: ExportQuery,
    answers: {
      200: {
        description:
          'One entry a line. Complete only if it ends as HTTP says: one that fails is cut off. Countersign-Tree-Size and Countersign-Checkpoint (base64) say which state of the log it is of; Countersign-Export-Entries, Countersign-Export-Last-Index and Content-Digest follow as trailers',
        schema: { type: 'string' },
        mediaType: 'application/x-ndjson',
      },
    },
  })
  async export(@Caller() call: Call): Promise<Answer> {
    const { format: name, after, actor: ref, workflow, ...given } = call.query(ExportQuery);
    if (workflow !== undefined) allowWorkflow(call, workflow);
    const { workspaceId, identity } = call;
    const filter: EntryFilter = {
      ...given,
      workflow,
      actor: await actorIdOf(this.people, call, ref),
      allowed: identity.key.workflows,
    };
    const actor = callingActor(call, await this.people.actor(call));
    const format = formatOf(name, workspaceId);
    if (call.method === 'HEAD') return this.head(call, format.mediaType);
    const release = this.exports.admit(workspaceId);
    try {
      const snapshot = await this.unitOfWork([workspaceId], (tx) =>
        recordExport(tx, this.log, workspaceId, {
          call,
          actor,
          keyId: identity.key.id,
          format: name,
          from: after + 1,
          filter,
        }),
      );
      const from = Math.max(after + 1, snapshot.first);
      // Behind the end there is nothing, and that is how far it has looked.
      const range = { from, to: Math.max(from, snapshot.size) };
      const stream = this.exports.stream(
        {
          range,
          format,
          isWhole: isUnfiltered(filter),
          read: (part) => readPage(this.database, workspaceId, filter, part),
        },
        release,
        { traceId: call.traceId, workspaceId },
      );
      return streamed(format.mediaType, stream, {
        ...headersOf(snapshot),
        'content-disposition': `attachment; filename="audit-${range.from}-${range.to}.${format.extension}"`,
      });
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Nothing is exported, so nothing is recorded. */
  private async head(call: Call, mediaType: string): Promise<Answer> {
    const { workspaceId } = call;
    const snapshot = await this.unitOfWork([workspaceId], async (tx) => {
      await this.log.checkpoint(tx, workspaceId);
      return snapshotOf(tx, workspaceId);
    });
    return content(mediaType, '', headersOf(snapshot));
  }
}

const headersOf = ({ size, checkpoint, first }: Snapshot): Record<string, string> => ({
  'cache-control': 'no-store',
  'countersign-tree-size': String(size),
  'countersign-first-index': String(first),
  'countersign-checkpoint': Buffer.from(checkpoint, 'utf8').toString('base64'),
});
