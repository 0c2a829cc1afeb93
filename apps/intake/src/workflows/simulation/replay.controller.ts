import { Controller, Post } from '@nestjs/common';
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
import { compareReplays, inLockstep, replayRequest, type SimulationInput } from '@countersign/workflow';
import { v7 } from 'uuid';
import { Previews } from '../../directory-questions/previews';
import { versionNumber } from '../version-number';
import { WorkflowVersions, type RunnableVersion } from '../workflow-versions';
import { DirectoryAnswers } from './directory-answers';
import { decisionsOf, findPastRequests, listPastRequests, type PastRequest } from './past-request';
import { ReplayBody } from './replay-body';
import { replaySchema } from './simulation.schema';

/** More requests than this are not looked at in one call, nor for longer than this. */
const mostRequests = 1_000;
const longestMs = 30_000;
/** What is held in memory at a time: bytes of requests, and stages of both versions. */
const mostBytes = 16 * 1024 * 1024;
const mostStages = 20_000;
const mostViolations = 5;

interface Changed {
  requestId: string;
  differences: string[];
}

/** Compares what a version would have done with past requests with what their own versions do. Nothing of it is kept. */
@Controller('v1/workflows')
export class ReplayController {
  constructor(
    private readonly database: Database,
    private readonly previews: Previews,
    private readonly versions: WorkflowVersions,
  ) {}

  @Post(':key/versions/:version/replay')
  @PathId('key', 'Workflow key')
  @PathId('version', 'Version number')
  @Operation({
    scope: 'workflows:read',
    trail: 'none: it reads',
    summary: 'Show which requests of a period another version would have treated differently',
    body: ReplayBody,
    answers: {
      200: {
        description: `The newest ${mostRequests} requests at most; \`truncated\` when there are more`,
        schema: replaySchema,
      },
    },
  })
  async replay(@Caller() call: Call): Promise<Answer> {
    const { workspaceId } = call;
    const key = call.param('key');
    allowWorkflow(call, key);
    const candidate = await this.database.read(workspaceId, (sql) =>
      this.versions.find(sql, workspaceId, key, versionNumber(call.param('version'))),
    );
    if (!candidate) throw Problem.notFound('workflow version');
    const { from, to } = await call.body(ReplayBody);
    if (Date.parse(to) < Date.parse(from)) {
      throw Problem.invalid([{ pointer: '/to', message: 'Must not be before from.' }]);
    }
    const found = await this.database.read(workspaceId, (sql) =>
      listPastRequests(sql, { workspaceId, workflowKey: key, from, to }, mostRequests + 1),
    );
    const directory = new DirectoryAnswers(this.previews, call, longestMs);
    const giveUpAt = Date.now() + longestMs;
    const changed: Changed[] = [];
    let examined = 0;
    for (const ids of portions(found.slice(0, mostRequests), candidate)) {
      if (Date.now() > giveUpAt) break;
      const requests = await this.database.read(workspaceId, (sql) => findPastRequests(sql, ids));
      changed.push(...(await this.compare(workspaceId, requests, candidate, directory)));
      examined += ids.length;
    }
    return ok({ examined, changed, ...(examined < found.length ? { truncated: true } : {}) });
  }

  private async compare(
    workspaceId: string,
    requests: readonly PastRequest[],
    candidate: RunnableVersion,
    directory: DirectoryAnswers,
  ): Promise<Changed[]> {
    const changed = new Map<string, string[]>();
    const replays: { request: PastRequest; own: RunnableVersion }[] = [];
    for (const request of requests) {
      const refused = refusalOf(candidate, request.payload);
      if (refused) changed.set(request.id, [refused]);
      else if (request.snapshot.workflow.version !== candidate.version) {
        replays.push({ request, own: await this.versionOf(workspaceId, request) });
      }
    }
    const simulated = replays.flatMap(({ request, own }) => [
      inputOf(request, own),
      inputOf(request, candidate),
    ]);
    const results = await inLockstep(
      simulated.map((input) => replayRequest(input)),
      (questions) =>
        directory.to(
          questions.map(({ question, simulation }) => ({
            question,
            requester: (simulated[simulation] as SimulationInput).requester,
          })),
        ),
    );
    replays.forEach(({ request }, index) => {
      const [was, is] = [results[2 * index], results[2 * index + 1]];
      const differences = was && is ? compareReplays(was, is) : [];
      if (differences.length > 0) changed.set(request.id, differences);
    });
    return requests.flatMap(({ id }) => {
      const differences = changed.get(id);
      return differences ? [{ requestId: id, differences }] : [];
    });
  }

  private async versionOf(workspaceId: string, { snapshot }: PastRequest): Promise<RunnableVersion> {
    const { key, version } = snapshot.workflow;
    const found = await this.database.read(workspaceId, (sql) =>
      this.versions.find(sql, workspaceId, key, version),
    );
    if (!found) throw new Error(`version ${version} of the workflow ${key} is not there`);
    return found;
  }
}

/** Ids in portions that fit into memory together, in their order. */
const portions = (
  found: readonly { id: string; bytes: number }[],
  { compiled }: RunnableVersion,
): string[][] => {
  const most = Math.max(1, Math.floor(mostStages / (2 * compiled.stages.length)));
  const all: string[][] = [];
  let bytes = 0;
  for (const { id, bytes: own } of found) {
    const last = all.at(-1);
    bytes += own;
    if (last && last.length < most && bytes <= mostBytes) last.push(id);
    else {
      all.push([id]);
      bytes = own;
    }
  }
  return all;
};

const refusalOf = ({ compiled }: RunnableVersion, payload: unknown): string | null => {
  const violations = compiled.validatePayload(payload);
  if (violations.length === 0) return null;
  const shown = violations
    .slice(0, mostViolations)
    .map(({ pointer, message }) => `/payload${pointer}: ${message.replace(/\.$/, '')}`);
  const more = violations.length > shown.length ? `; and ${violations.length - shown.length} more` : '';
  return `The payload would be refused (${shown.join('; ')}${more}).`;
};

const inputOf = (
  { snapshot, payload, requester }: PastRequest,
  version: RunnableVersion,
): SimulationInput => ({
  definition: version.compiled,
  payload,
  requester,
  workflow: { id: version.workflowId, key: version.key, version: version.version },
  title: snapshot.title,
  reason: snapshot.reason,
  decisions: decisionsOf(snapshot),
  now: snapshot.createdAt,
  newId: v7,
});
