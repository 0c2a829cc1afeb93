import type { DirectoryPerson } from '@countersign/contracts';
import { Database } from '@countersign/persistence';
import { allowWorkflow, Call, Caller, ok, Operation, Problem, type Answer } from '@countersign/service-kit';
import {
  previewApprovers,
  resolutionEvidenceSchema,
  type Person,
  type PreviewedApprover,
} from '@countersign/workflow';
import { Controller, Post } from '@nestjs/common';
import { Allow, ArrayMaxSize, IsArray, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { v7 } from 'uuid';
import { refKey } from '../directory/directory-ref';
import { KnownActor } from '../directory/known-actor';
import { matchUsers } from '../directory/match-users';
import { directoryPeople } from '../directory/user.rows';
import { sourcesQuestion } from './resolution-question';
import { resolveSources } from './resolve-sources';

/** Payloads of requests, in bytes (product §3). */
const payloadLimit = 256 * 1024;

export class PreviewBody {
  /** Sources as a stage has them. */
  @IsArray() @ArrayMaxSize(100) approvers: unknown[];
  /** id, externalId or userName. */
  @IsString() @IsNotEmpty() @MaxLength(256) requester: string;
  @Allow() payload: unknown;
  /** Key of the workflow that the sources are for; without it, only delegations of all workflows count. */
  @IsOptional() @IsString() @MaxLength(200) workflow?: string;
}

const person = {
  type: 'object',
  required: ['id', 'userName', 'displayName'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    userName: { type: 'string' },
    displayName: { type: 'string' },
  },
};

const previewSchema = {
  type: 'object',
  required: ['approvers', 'leftOut', 'note', 'evidence'],
  properties: {
    approvers: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'userName', 'displayName', 'onBehalfOf', 'why'],
        properties: {
          ...person.properties,
          onBehalfOf: { oneOf: [person, { type: 'null' }] },
          why: { type: 'string' },
        },
      },
    },
    leftOut: {
      type: 'array',
      items: {
        type: 'object',
        required: ['ref', 'why'],
        properties: { ref: { type: 'string' }, why: { type: 'string' } },
      },
    },
    note: { type: ['string', 'null'] },
    evidence: { oneOf: [resolutionEvidenceSchema, { type: 'null' }] },
  },
};

/** Who must approve, before anybody asks. */
@Controller('v1/approvers')
export class ApproversController {
  constructor(
    private readonly database: Database,
    private readonly actor: KnownActor,
  ) {}

  @Post('preview')
  @Operation({
    scope: 'directory:read',
    trail: 'none: it reads',
    summary: 'Who these sources give today and why, and why others are left out; no webhook is asked',
    body: PreviewBody,
    answers: { 200: { description: 'Who would be asked', schema: previewSchema } },
  })
  async preview(@Caller() call: Call): Promise<Answer> {
    const { workspaceId } = call;
    const body = await call.body(PreviewBody);
    if (body.payload === undefined)
      throw Problem.invalid([{ pointer: '/payload', message: 'payload is required.' }]);
    if (Buffer.byteLength(JSON.stringify(body.payload)) > payloadLimit)
      throw new Problem('payload_too_large', 'The payload is larger than 256 KiB.');
    if (body.workflow !== undefined) allowWorkflow(call, body.workflow);
    const requester = await this.requester(workspaceId, body.requester);
    const prepared = previewApprovers({
      approvers: body.approvers,
      payload: body.payload,
      requester,
      workflow: body.workflow ?? '',
      now: new Date().toISOString(),
      newId: v7,
    });
    if (!prepared.ok)
      throw new Problem('definition_invalid', 'The sources are not valid.', { errors: prepared.errors });
    await this.actor.find(call);
    const { question, conclude } = prepared;
    const [answer] = question
      ? await this.database.read(workspaceId, (sql) =>
          resolveSources(sql, [
            {
              question: sourcesQuestion(workspaceId, {
                sources: question.sources as unknown as Record<string, unknown>[],
                exclude: question.exclude,
                requester,
                delegations: question.delegations,
                rules: question.rules,
              }),
              answers: {},
            },
          ]),
        )
      : [];
    const { approvers, leftOut, note, evidence } = conclude({
      approvers: answer?.approvers ?? [],
      skipped: answer?.skipped ?? [],
      ...(answer?.note ? { note: answer.note } : {}),
      evidence: answer?.evidence,
    });
    return ok({ approvers: approvers.map(approverView), leftOut, note, evidence });
  }

  /** Throws Problem unknown_reference. */
  private async requester(workspaceId: string, ref: string): Promise<DirectoryPerson> {
    const people = await this.database.read(workspaceId, async (sql) => {
      const matches = await matchUsers(sql, [{ workspaceId, ref }]);
      const found = matches.get(refKey({ workspaceId, ref })) ?? [];
      return directoryPeople(
        sql,
        found.map(({ id }) => id),
      );
    });
    const [one, other] = people;
    if (one && !other) return one;
    throw new Problem('unknown_reference', 'The requester is not known.', {
      errors: [
        { pointer: '/requester', message: 'This names nobody in the directory, or more than one person.' },
      ],
    });
  }
}

const personView = ({ id, userName, displayName }: Person) => ({ id, userName, displayName });

const approverView = ({ person, onBehalfOf, why }: PreviewedApprover) => ({
  ...personView(person),
  onBehalfOf: onBehalfOf && personView(onBehalfOf),
  why,
});
