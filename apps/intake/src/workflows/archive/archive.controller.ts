import { Controller, Get, Post } from '@nestjs/common';
import type { Violation } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  file,
  Idempotency,
  ok,
  Operation,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import type { WorkflowDefinition } from '@countersign/workflow';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { addDraft } from '../add-draft';
import { OneAtATime } from '../one-at-a-time';
import { invalidDefinition, readDefinitionInTurn } from '../read-definition';
import { findWorkflow, listShownVersions, lockNewestVersions } from '../workflow.rows';
import { exportedText } from './exported-text';
import { ArchiveFault, filePointer, readArchive } from './read-archive';
import { writeArchive, type ArchivedFile } from './write-archive';

class ExportQuery {
  /** One workflow; without it, all that the key may see. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(100) key?: string;
}

const gzipTypes = ['application/gzip', 'application/x-gzip'];
const pageSize = 100;
/** So many violations say enough about an archive of which nothing is taken. */
const mostErrors = 200;

interface ImportedFile extends ArchivedFile {
  definition: WorkflowDefinition;
}

@Controller('v1/workflows')
export class ArchiveController {
  /** A hundred small calls could otherwise unpack to gigabytes. */
  private readonly archives = new OneAtATime();

  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
  ) {}

  @Get('export')
  @Operation({
    scope: 'workflows:read',
    summary:
      'One workflow or all, a YAML file each: the published version, else the newest, as its author wrote it',
    query: ExportQuery,
    answers: {
      200: {
        description: 'A gzipped tar; the same content is the same bytes',
        schema: { type: 'string', contentMediaType: 'application/gzip' },
        mediaType: 'application/gzip',
      },
    },
  })
  async export(@Caller() call: Call): Promise<Answer> {
    const { key } = call.query(ExportQuery);
    if (key !== undefined) {
      allowWorkflow(call, key);
      const found = await this.database.read(call.workspaceId, (sql) =>
        findWorkflow(sql, call.workspaceId, key),
      );
      if (!found) throw Problem.notFound('workflow');
    }
    const allowed = key === undefined ? call.identity.key.workflows : [key];
    const files: ArchivedFile[] = [];
    for (let after: string | null = null, more = true; more;) {
      const page = await this.database.read(call.workspaceId, (sql) =>
        listShownVersions(sql, call.workspaceId, allowed, after, pageSize),
      );
      files.push(...page.map((version) => ({ name: `${version.key}.yaml`, text: exportedText(version) })));
      after = page.at(-1)?.key ?? null;
      more = page.length === pageSize;
    }
    return file('application/gzip', `${key ?? 'workflows'}.tar.gz`, await writeArchive(files));
  }

  @Post('import')
  @Operation({
    scope: 'workflows:write',
    trail: 'workflow.version_added',
    summary: 'Add a draft of every workflow in an archive that differs from its newest version; all or none',
    body: {
      mediaTypes: { 'application/gzip': { type: 'string', contentMediaType: 'application/gzip' } },
    },
    answers: {
      200: {
        description:
          'What became of each file, in the order of the keys; `version` is the draft that was added',
        schema: {
          type: 'object',
          required: ['data'],
          properties: {
            data: {
              type: 'array',
              items: {
                type: 'object',
                required: ['key', 'version', 'state'],
                properties: {
                  key: { type: 'string' },
                  version: { type: ['integer', 'null'] },
                  state: { type: 'string', enum: ['created', 'unchanged'] },
                },
              },
            },
          },
        },
      },
    },
  })
  async import(@Caller() call: Call): Promise<Answer> {
    if (!gzipTypes.includes(call.mediaType()))
      throw new Problem(
        'unsupported_media_type',
        'The body must be application/gzip: a gzipped tar of YAML files.',
      );
    const bytes = await call.rawBody();
    const files = await this.archives.run(async () => definitionsOf(await unpacked(bytes)));
    for (const { definition } of files) allowWorkflow(call, definition.key);
    const person = await this.people.actor(call);
    return this.idempotency.run(call, async (tx) => {
      const { workspaceId } = call;
      const keys = files.map(({ definition }) => definition.key);
      const newest = new Map(
        (await lockNewestVersions(tx, workspaceId, keys)).map((version) => [
          version.key,
          exportedText(version),
        ]),
      );
      const data: { key: string; version: number | null; state: 'created' | 'unchanged' }[] = [];
      for (const { definition, text } of files) {
        const { key } = definition;
        if (newest.get(key) === text) {
          data.push({ key, version: null, state: 'unchanged' });
          continue;
        }
        const draft = { definition, text, mediaType: 'application/yaml' };
        const version = await addDraft(tx, call, person, draft, 'import');
        data.push({ key, version, state: 'created' });
      }
      return ok({ data });
    });
  }
}

const unpacked = async (bytes: Buffer): Promise<ArchivedFile[]> => {
  try {
    return await readArchive(bytes);
  } catch (error) {
    if (error instanceof ArchiveFault) throw Problem.invalid(error.errors.slice(0, mostErrors));
    throw error;
  }
};

/** Throws Problem definition_invalid with what is wrong in all of the files. */
const definitionsOf = async (files: readonly ArchivedFile[]): Promise<ImportedFile[]> => {
  const errors: Violation[] = [];
  const definitions = new Map<string, ImportedFile>();
  for (const { name, text } of files) {
    if (errors.length >= mostErrors) break;
    const parsed = text.includes('\0')
      ? { ok: false as const, errors: [{ pointer: '', message: 'A text may not contain U+0000.' }] }
      : await readDefinitionInTurn({ text, mediaType: 'application/yaml' });
    if (!parsed.ok) {
      errors.push(
        ...parsed.errors.map(({ pointer, message }) => ({ pointer: filePointer(name, pointer), message })),
      );
      continue;
    }
    const { definition } = parsed;
    const other = definitions.get(definition.key);
    if (other) {
      const message = `${other.name} holds the workflow ${definition.key} as well.`;
      errors.push({ pointer: filePointer(name, '/key'), message });
    } else definitions.set(definition.key, { name, text, definition });
  }
  if (errors.length > 0) throw invalidDefinition(errors.slice(0, mostErrors));
  return [...definitions.values()].sort((a, b) => (a.definition.key < b.definition.key ? -1 : 1));
};
