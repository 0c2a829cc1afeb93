import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DirectoryPerson, Person } from '@countersign/contracts';
import { People } from '@countersign/directory-replica';
import type { Tx } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import {
  Call,
  Caller,
  callingActor,
  Idempotency,
  ok,
  Operation,
  Problem,
  recordFact,
  type Answer,
} from '@countersign/service-kit';
import { replaceUsers } from '@countersign/workflow';
import { Controller, Post } from '@nestjs/common';
import { v7 } from 'uuid';
import { addDraft } from '../workflows/add-draft';
import { readDefinition } from '../workflows/read-definition';
import {
  lockWorkflows,
  openTasksOf,
  refsOf,
  versionsWith,
  type NamingVersion,
  type OpenTask,
} from './replacement.rows';
import { readStageRules, type StageRule } from './stage-rules';
import { ReplaceBody, replacementSchema } from './replacement.schema';

const mostTasks = 1_000;
const pageSize = 20;

interface Replacement {
  from: DirectoryPerson;
  to: DirectoryPerson;
}

/** Somebody takes the place of an approver who leaves. */
@Controller('v1/directory')
export class ReplacementController {
  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly people: People,
  ) {}

  @Post('replace')
  @Operation({
    scope: 'directory:write',
    trail: 'directory.replaced',
    summary:
      'Pass the open tasks of one person on to another, and add drafts of the definitions that name them; dryRun only shows what would happen',
    body: ReplaceBody,
    answers: { 200: { description: 'What is, or would be, replaced', schema: replacementSchema } },
  })
  async replace(@Caller() call: Call): Promise<Answer> {
    const body = await call.body(ReplaceBody);
    const replacement = await this.peopleOf(call, body);
    const person = await this.people.actor(call);
    const { workspaceId } = call;
    if (body.dryRun) {
      return this.database.read(workspaceId, async (sql) => {
        const tasks = await this.tasks(sql, call, replacement);
        const workflows = await changedVersions(sql, call, replacement);
        return ok(answerOf(true, replacement, tasks, workflows, () => null, new Map()));
      });
    }
    return this.idempotency.run(call, async (tx) => {
      const tasks = await this.tasks(tx, call, replacement);
      const found = await changedVersions(tx, call, replacement);
      await lockWorkflows(
        tx,
        workspaceId,
        found.map(({ version }) => version.key),
      );
      // Read again: a version may have been added before the lock.
      const workflows = found.length > 0 ? await changedVersions(tx, call, replacement) : [];
      const drafts = new Map<ChangedVersion, number>();
      for (const changed of workflows) {
        if (!changed.draft) continue;
        const draft = { ...changed.draft, mediaType: changed.version.mediaType };
        const version = await addDraft(tx, call, person, draft, 'replacement');
        drafts.set(changed, version);
      }
      const commands = new Map(
        tasks
          .slice(0, mostTasks)
          .filter(({ obstacle }) => obstacle === null)
          .map((one) => [one.task.id, passOn(tx, call, replacement, one)]),
      );
      recordFact(tx, call, person, {
        type: 'directory.replaced',
        content: {
          from: replacement.from.id,
          to: replacement.to.id,
          passedOn: commands.size,
          left: tasks.length - commands.size,
          drafts: [...drafts].map(([{ version }, draft]) => ({ key: version.key, version: draft })),
        },
      });
      const commandOf = ({ task }: OpenTask) => commands.get(task.id) ?? null;
      return ok(answerOf(false, replacement, tasks, workflows, commandOf, drafts));
    });
  }

  private async tasks(sql: Sql, call: Call, replacement: Replacement): Promise<TaskToPass[]> {
    const { from, to } = replacement;
    const { workflows } = call.identity.key;
    const people = { from: from.id, to: to.id };
    const open = await openTasksOf(sql, call.workspaceId, people, workflows, mostTasks + 1);
    const ruleOf = await readStageRules(sql, open);
    return open.map((one) => ({ ...one, obstacle: obstacleTo(one, ruleOf(one), replacement) }));
  }

  /** Throws Problem unknown_reference and validation_failed. */
  private async peopleOf(call: Call, body: ReplaceBody): Promise<Replacement> {
    const [from, to] = await Promise.all(
      [body.from, body.to].map((ref) => this.people.find(call.workspaceId, ref, call.cause)),
    );
    const errors = [
      ...(from ? [] : [{ pointer: '/from', message: 'Names nobody, or more than one person.' }]),
      ...(to?.active
        ? []
        : [{ pointer: '/to', message: 'Names nobody, or more than one person, who is active.' }]),
    ];
    if (!from || !to || errors.length > 0)
      throw new Problem('unknown_reference', 'Somebody who is named is not known.', { errors });
    if (from.id === to.id)
      throw Problem.invalid([{ pointer: '/to', message: 'This is the same person as from.' }]);
    return { from, to };
  }
}

interface TaskToPass extends OpenTask {
  /** Why it stays where it is. */
  obstacle: string | null;
}

interface ChangedVersion {
  version: NamingVersion;
  pointers: string[];
  elsewhere: boolean;
  /** What is to be added; null when there is nothing, or the newest version says the same already. */
  draft: { definition: NamingVersion['definition']; text: string } | null;
}

const changedVersions = async (sql: Sql, call: Call, replacement: Replacement): Promise<ChangedVersion[]> => {
  const changed: ChangedVersion[] = [];
  const refs = refsOf(replacement.from);
  const { workflows } = call.identity.key;
  for (let after: NamingVersion | null = null, more = true; more;) {
    const page: NamingVersion[] = await versionsWith(sql, call.workspaceId, refs, workflows, after, pageSize);
    for (const version of page) {
      // Reading a large definition takes long, and there may be many.
      await nextTurn();
      changed.push(changeOf(version, replacement));
    }
    after = page.at(-1) ?? null;
    more = page.length === pageSize;
  }
  return changed;
};

const changeOf = (version: NamingVersion, { from, to }: Replacement): ChangedVersion => {
  const other = (ref: string): string | null => {
    if (ref === from.externalId) return to.externalId ?? to.userName;
    if (ref.toLowerCase() === from.id) return to.id;
    return ref.toLowerCase() === from.userName.toLowerCase() ? to.userName : null;
  };
  const replaced = replaceUsers(version, other);
  const mentions = (definition: unknown) => {
    const text = JSON.stringify(definition).toLowerCase();
    return refsOf(from).some((ref) => text.includes(JSON.stringify(ref).slice(1, -1).toLowerCase()));
  };
  if (!replaced) return { version, pointers: [], elsewhere: mentions(version.definition), draft: null };
  const parsed = readDefinition(replaced.source);
  if (!parsed.ok) return { version, pointers: replaced.pointers, elsewhere: true, draft: null };
  const { definition, text } = parsed;
  const isThere = text === version.newestText;
  return {
    version,
    pointers: replaced.pointers,
    elsewhere: mentions(definition),
    draft: isThere ? null : { definition, text },
  };
};

/** Whose delegate the leaver only is: the vote goes back there; null when the leaver is replaced for good. */
const delegatorOf = ({ task }: OpenTask, { from, to }: Replacement): Person | null =>
  task.assignee.id === from.id && task.onBehalfOf?.id !== to.id ? task.onBehalfOf : null;

/** Routing has the last word, for it knows what has happened since; this is what can be told before. */
const obstacleTo = (one: OpenTask, rule: StageRule | undefined, replacement: Replacement): string | null => {
  const { task, theirs, requesterId } = one;
  const { to } = replacement;
  if (task.assignee.id === to.id) return `${to.displayName} has the task already.`;
  if (delegatorOf(one, replacement)) return null;
  if (to.id === requesterId && !rule?.allowsSelfApproval)
    return `${to.displayName} may not approve their own request.`;
  const decided = theirs.find(({ stageKey, decidedAt }) => decidedAt && rule?.apart.includes(stageKey));
  if (decided) return `${to.displayName} has decided the stage ${decided.stageKey} (four eyes).`;
  if (task.onBehalfOf?.id === to.id) return null;
  const isAsked = theirs.some(
    ({ stageKey, state, assignee, onBehalfOf }) =>
      stageKey === task.stageKey &&
      ((state === 'open' && assignee.id === to.id) ||
        (votes.has(state) && (onBehalfOf ?? assignee).id === to.id)),
  );
  return isAsked ? `${to.displayName} is asked in the stage ${task.stageKey} already.` : null;
};

/** States of tasks whose vote counts or is awaited. */
const votes = new Set(['open', 'approved', 'rejected']);

/** A key passes tasks on for others; a person could only pass on their own. */
const passOn = (tx: Tx, call: Call, replacement: Replacement, one: OpenTask): string => {
  const { task } = one;
  const delegator = delegatorOf(one, replacement);
  const heir = delegator ?? replacement.to;
  const commandId = v7();
  tx.write('INSERT INTO command (id, workspace_id, request_id) VALUES ($1, $2, $3)', [
    commandId,
    call.workspaceId,
    task.requestId,
  ]);
  const { id, externalId, userName, displayName, email } = heir;
  tx.publish({
    type: 'task.reassign.v1',
    workspaceId: call.workspaceId,
    cause: call.cause,
    data: {
      commandId,
      requestId: task.requestId,
      expectedVersion: null,
      actor: callingActor(call, null),
      taskId: task.id,
      to: { id, externalId, userName, displayName, email },
      // Of a delegator it is not known here: whatever has been heard of their leaving counts.
      ...(delegator ? {} : { toVersion: replacement.to.version }),
      reason: reasonOf(replacement, task),
    },
  });
  return commandId;
};

const reasonOf = ({ from, to }: Replacement, { assignee, onBehalfOf }: OpenTask['task']): string => {
  const place = `${to.displayName} takes the place of ${from.displayName}`;
  return onBehalfOf && assignee.id === from.id
    ? `${place}, who stood in for ${onBehalfOf.displayName}`
    : place;
};

const personView = ({ id, userName, displayName }: Person) => ({ id, userName, displayName });

const answerOf = (
  dryRun: boolean,
  replacement: Replacement,
  tasks: readonly TaskToPass[],
  workflows: readonly ChangedVersion[],
  commandOf: (task: OpenTask) => string | null,
  drafts: ReadonlyMap<ChangedVersion, number>,
) => ({
  dryRun,
  from: personView(replacement.from),
  to: personView(replacement.to),
  tasks: tasks.slice(0, mostTasks).map((one) => ({
    id: one.task.id,
    requestId: one.task.requestId,
    requestTitle: one.title,
    workflow: { key: one.workflow.key, version: one.workflow.version },
    stageKey: one.task.stageKey,
    to: personView(delegatorOf(one, replacement) ?? replacement.to),
    obstacle: one.obstacle,
    commandId: commandOf(one),
  })),
  moreTasks: tasks.length > mostTasks,
  workflows: workflows.map((changed) => ({
    key: changed.version.key,
    version: changed.version.version,
    state: changed.version.state,
    pointers: changed.pointers,
    elsewhere: changed.elsewhere,
    draft: drafts.get(changed) ?? null,
  })),
});
