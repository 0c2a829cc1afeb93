import { Controller, Get, Post } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import {
  allowWorkflow,
  Call,
  Caller,
  ok,
  Operation,
  PathId,
  Problem,
  type Answer,
} from '@countersign/service-kit';
import {
  compileDefinition,
  diffDefinitions,
  findingsOf,
  lintDefinition,
  publishProblems,
  refsIn,
  type LintFacts,
  type LintResult,
  type WorkflowDefinition,
} from '@countersign/workflow';
import { Type } from 'class-transformer';
import { IsInt, Max, Min } from 'class-validator';
import { DirectoryFacts } from '../../directory-questions/directory-facts';
import { definitionBody, definitionOf, readDefinitionInTurn } from '../read-definition';
import { findVersion, findWorkflow } from '../workflow.rows';
import { diffSchema, lintSchema } from './analysis.schema';

const latestVersion = 999_999_999;

class DiffQuery {
  /** Version number. */
  @Type(() => Number) @IsInt() @Min(1) @Max(latestVersion) from: number;
  /** Version number. */
  @Type(() => Number) @IsInt() @Min(1) @Max(latestVersion) to: number;
}

/** What can be said of definitions before anything runs on them. */
@Controller('v1/workflows')
export class AnalysisController {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryFacts,
  ) {}

  @Post('lint')
  @Operation({
    scope: 'workflows:read',
    trail: 'none: it reads',
    summary: 'What is wrong with a definition, and what its author can hardly mean; nothing is kept',
    body: definitionBody,
    answers: { 200: { description: 'What was found', schema: lintSchema } },
  })
  async lint(@Caller() call: Call): Promise<Answer> {
    const parsed = await readDefinitionInTurn(await definitionOf(call));
    if (!parsed.ok) return ok({ errors: findingsOf(parsed.errors), warnings: [] } satisfies LintResult);
    const { definition } = parsed;
    allowWorkflow(call, definition.key);
    const facts = await this.factsOf(call, definition);
    const { errors, warnings } = lintDefinition(definition, facts ?? undefined);
    return ok({
      errors: [...findingsOf(publishProblems(compileDefinition(definition))), ...errors],
      warnings: facts ? warnings : [...warnings, unchecked],
    } satisfies LintResult);
  }

  @Get(':key/diff')
  @PathId('key', 'Workflow key')
  @Operation({
    scope: 'workflows:read',
    summary: 'The difference between two versions, in plain sentences',
    query: DiffQuery,
    answers: { 200: { description: 'The differences', schema: diffSchema } },
  })
  async diff(@Caller() call: Call): Promise<Answer> {
    const { workspaceId } = call;
    const key = call.param('key');
    allowWorkflow(call, key);
    const workflow = await this.database.read(workspaceId, (sql) => findWorkflow(sql, workspaceId, key));
    if (!workflow) throw Problem.notFound('workflow');
    const { from, to } = call.query(DiffQuery);
    const [older, newer] = await this.database.read(workspaceId, (sql) =>
      Promise.all([from, to].map((version) => findVersion(sql, workspaceId, key, version))),
    );
    if (!older || !newer) throw Problem.notFound('workflow version');
    const definitions = [older, newer].map(({ definition }) => definition as unknown as WorkflowDefinition);
    const [before, now] = definitions as [WorkflowDefinition, WorkflowDefinition];
    return ok({ key, from, to, differences: diffDefinitions(before, now) });
  }

  /** Null when the directory does not answer: the rest can be said without it. */
  private async factsOf(call: Call, definition: WorkflowDefinition): Promise<LintFacts | null> {
    try {
      return await this.directory.about(call.workspaceId, refsIn(definition), call.cause);
    } catch (error) {
      if (error instanceof Problem && error.code === 'unavailable') return null;
      throw error;
    }
  }
}

const unchecked = {
  pointer: '',
  code: 'directory-unavailable' as const,
  message:
    'The directory does not answer right now, so that people and groups who are named were not looked up.',
};
