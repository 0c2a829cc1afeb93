import { Controller, Post } from '@nestjs/common';
import type { DirectoryPerson, Requester } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
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
  inLockstep,
  likelyQuestions,
  simulateRequest,
  type GivenDecision,
  type SimulationInput,
} from '@countersign/workflow';
import { v7 } from 'uuid';
import { Previews } from '../../directory-questions/previews';
import { SubmitRequest } from '../../requests/submit-request';
import { findWorkflow } from '../workflow.rows';
import { WorkflowVersions } from '../workflow-versions';
import { DirectoryAnswers } from './directory-answers';
import { SimulateBody } from './simulate-body';
import { simulationSchema } from './simulation.schema';

const longestMs = 10_000;

/** Plays a request through a version of a workflow. Nothing of it is kept, so repeating the call is harmless. */
@Controller('v1/workflows')
export class SimulationController {
  constructor(
    private readonly database: Database,
    private readonly people: People,
    private readonly previews: Previews,
    private readonly submissions: SubmitRequest,
    private readonly versions: WorkflowVersions,
  ) {}

  @Post(':key/simulate')
  @PathId('key', 'Workflow key')
  @Operation({
    scope: 'workflows:read',
    trail: 'none: it reads',
    summary: 'Show what a workflow would do with a request: who would be asked, and why',
    body: SimulateBody,
    answers: {
      200: {
        description:
          'The request as it would be after the given decisions; stages that come later as if everybody asked approved',
        schema: simulationSchema,
      },
    },
  })
  async simulate(@Caller() call: Call): Promise<Answer> {
    const { workspaceId } = call;
    const key = call.param('key');
    allowWorkflow(call, key);
    const workflow = await this.database.read(workspaceId, (sql) => findWorkflow(sql, workspaceId, key));
    if (!workflow) throw Problem.notFound('workflow');
    const body = await call.body(SimulateBody);
    const version = await this.database.read(workspaceId, (sql) =>
      this.versions.find(sql, workspaceId, key, body.version),
    );
    if (!version) throw Problem.notFound('workflow version');
    this.submissions.checkPayloadSize(body.payload);
    this.submissions.checkPayload(version, body.payload);
    const requester = requesterOf(await this.submissions.findRequester(call, body.requester));
    const input: SimulationInput = {
      definition: version.compiled,
      payload: body.payload,
      requester,
      workflow: { id: version.workflowId, key, version: version.version },
      title: version.compiled.title,
      reason: null,
      decisions: await this.decisionsOf(call, body),
      now: new Date().toISOString(),
      newId: v7,
    };
    const directory = new DirectoryAnswers(this.previews, call, longestMs);
    await directory.to(likelyQuestions(input).map((question) => ({ question, requester })));
    const [result] = await inLockstep([simulateRequest(input)], (questions) =>
      directory.to(questions.map(({ question }) => ({ question, requester }))),
    );
    if (!result) throw new Error('a simulation without a result');
    if (!result.ok) {
      const { index, detail } = result.impossible;
      throw Problem.invalid([{ pointer: `/decisions/${index}`, message: detail }]);
    }
    const { state, stages } = result.request;
    return ok({
      state,
      stages: stages.map(({ key, state, explanation, approvers, evidence }) => ({
        key,
        state,
        explanation,
        approvers,
        evidence,
      })),
    });
  }

  private async decisionsOf(call: Call, { decisions = [] }: SimulateBody): Promise<GivenDecision[]> {
    const refs = [...new Set(decisions.map(({ by }) => by))];
    if (refs.length === 0) return [];
    const { workspaceId, cause } = call;
    const seen = await this.database.read(workspaceId, (sql) => this.people.look(sql, workspaceId, refs));
    const found = await Promise.all(refs.map((ref) => this.people.find(workspaceId, ref, cause, seen)));
    const people = new Map(refs.map((ref, index) => [ref, found[index] ?? null]));
    const errors = decisions.flatMap(({ by }, index) =>
      people.get(by) === null
        ? [
            {
              pointer: `/decisions/${index}/by`,
              message: 'Names nobody, or more than one person, in this workspace.',
            },
          ]
        : [],
    );
    if (errors.length > 0) {
      throw new Problem('unknown_reference', 'Somebody who decides is not known.', { errors });
    }
    return decisions.map(({ stage, by, decision }) => ({
      stage,
      by: requesterOf(people.get(by) as DirectoryPerson),
      decision,
    }));
  }
}

/** A person as a submission keeps them. */
const requesterOf = ({ active, version, reading, ...person }: DirectoryPerson): Requester => person;
