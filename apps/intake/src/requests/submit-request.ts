import { Injectable } from '@nestjs/common';
import { pendingStageSnapshot, type DirectoryPerson, type RequestSnapshot } from '@countersign/contracts';
import { People, type Sightings } from '@countersign/directory-replica';
import type { Tx } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { allowWorkflow, callingActor, Problem, type Call } from '@countersign/service-kit';
import { initialStages } from '@countersign/workflow';
import { v7 } from 'uuid';
import { WorkflowVersions, type RunnableVersion } from '../workflows/workflow-versions';
import { insertRequest } from './request.rows';
import type { SubmitRequestBody } from './request.bodies';

/** The largest payload and metadata, in bytes of JSON (product §3). */
const payloadLimit = 256 * 1024;
const metadataLimit = 16 * 1024;

/** Everything about a submission that had to be looked up or checked before it may be taken. */
export interface Submission {
  body: SubmitRequestBody;
  version: RunnableVersion;
  requester: DirectoryPerson;
  actor: DirectoryPerson | null;
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Takes requests: checks them, then writes them down together with the message to routing. */
@Injectable()
export class SubmitRequest {
  constructor(
    private readonly database: Database,
    private readonly versions: WorkflowVersions,
    private readonly people: People,
  ) {}

  /** Throws the Problem of the first thing that is wrong, in the order of product §3. */
  async check(call: Call, body: SubmitRequestBody): Promise<Submission> {
    this.checkPayloadSize(body.payload);
    if (body.metadata && sizeOf(body.metadata) > metadataLimit) {
      throw Problem.invalid([{ pointer: '/metadata', message: `At most ${metadataLimit} bytes.` }]);
    }
    const { workspaceId } = call;
    allowWorkflow(call, body.workflow);
    const [version, seen] = await this.database.read(workspaceId, (sql) =>
      Promise.all([
        this.versions.runnable(sql, workspaceId, body.workflow, body.workflowVersion),
        this.people.look(sql, workspaceId, [body.requester, call.actorRef]),
      ]),
    );
    if (!body.draft) this.checkPayload(version, body.payload);
    const requester = await this.findRequester(call, body.requester, seen);
    return { body, version, requester, actor: await this.people.actor(call, seen) };
  }

  /** Throws Problem unknown_reference. */
  async findRequester(call: Call, ref: string, seen?: Sightings): Promise<DirectoryPerson> {
    const requester = await this.people.find(call.workspaceId, ref, call.cause, seen);
    if (requester?.active) return requester;
    throw new Problem('unknown_reference', 'The requester is not known.', {
      errors: [
        {
          pointer: '/requester',
          message: 'Names nobody, or more than one person, who is active in this workspace.',
        },
      ],
    });
  }

  /** Throws Problem payload_too_large. */
  checkPayloadSize(payload: unknown): void {
    if (sizeOf(payload) > payloadLimit) {
      throw new Problem('payload_too_large', `The payload may have at most ${payloadLimit} bytes.`);
    }
  }

  /** Throws Problem payload_invalid with every violation. */
  checkPayload(version: RunnableVersion, payload: unknown): void {
    const violations = version.compiled.validatePayload(payload);
    if (violations.length > 0) {
      throw new Problem(
        'payload_invalid',
        `The payload does not fit version ${version.version} of ${version.key}.`,
        {
          errors: violations.map(({ pointer, message }) => ({ pointer: `/payload${pointer}`, message })),
        },
      );
    }
  }

  /** Writes the request and the message that starts it, in the caller's transaction. */
  take(call: Call, { body, version, requester, actor }: Submission, tx: Tx): RequestSnapshot {
    const draft = body.draft ?? false;
    const createdAt = new Date().toISOString();
    const { active, version: directoryVersion, reading, ...person } = requester;
    const snapshot: RequestSnapshot = {
      id: v7(),
      workspaceId: call.workspaceId,
      workflow: { id: version.workflowId, key: version.key, version: version.version },
      state: draft ? 'draft' : 'submitted',
      title: body.title,
      reason: body.reason ?? null,
      requester: {
        id: person.id,
        externalId: person.externalId,
        userName: person.userName,
        displayName: person.displayName,
        email: person.email,
      },
      externalRef: body.externalRef ?? null,
      metadata: body.metadata ?? {},
      revision: 1,
      payloadRevision: 1,
      version: 1,
      stageIndex: 0,
      totalStages: version.compiled.stages.length,
      overridden: false,
      stages: initialStages(version.definition).map(({ index, key, title }) =>
        pendingStageSnapshot(index, key, title),
      ),
      failure: null,
      createdAt,
      submittedAt: draft ? null : createdAt,
      decidedAt: null,
      completedAt: null,
    };
    insertRequest(tx, snapshot, person, body.payload);
    tx.publish({
      type: 'request.submit.v1',
      workspaceId: call.workspaceId,
      cause: call.cause,
      data: {
        requestId: snapshot.id,
        actor: callingActor(call, actor),
        workflow: snapshot.workflow,
        title: snapshot.title,
        reason: snapshot.reason,
        requester: person,
        payload: { value: body.payload },
        externalRef: snapshot.externalRef,
        metadata: snapshot.metadata,
        draft,
        createdAt,
      },
    });
    return snapshot;
  }
}
