import { Injectable } from '@nestjs/common';
import { madeAt, type DirectoryPerson, type RefusedCommand } from '@countersign/contracts';
import { DecisionLinkTokens, type DecisionLink } from '@countersign/decision-link';
import { People } from '@countersign/directory-replica';
import { Database } from '@countersign/persistence';
import { readerOf, type Reader } from '@countersign/reader';
import { SecretBox } from '@countersign/secret-box';
import { Call, callingActor, type Answer } from '@countersign/service-kit';
import type { Request } from 'express';
import { RequestCommands } from '../requests/request-commands';
import { TaskArrivals } from '../tasks/task-arrivals';
import { findSettings } from '../workspace-settings/workspace-settings.rows';
import { WorkflowVersions } from '../workflows/workflow-versions';
import { checkForm, type DecisionForm } from './decision-form';
import { decisionPage, plainPage, type PageOccasion, type Setback } from './decision-page';
import type { LinkedTask } from './link-standing';
import { standingOf } from './link-standing';
import { useLink } from './link-use.rows';
import { pageTexts, type PageTexts } from './page-texts';
import { readLinkedTask } from './read-linked-task';
import { isChanged, readShown, shownRequest } from './shown-request';

/** A message may be faster than our own read model, by minutes after an outage. */
const onItsWayMs = 5 * 60_000;
const patienceMs = 5_000;

/** Whoever comes to a page, before it is known who that is. */
export type Stranger = Pick<Reader, 'language'>;

type Found = { occasion: PageOccasion & { person: DirectoryPerson }; call: Call } | { refusal: Answer };

/** Shows what a link leads to, and takes the decision of the person it was made for. */
@Injectable()
export class DecisionLinks {
  private readonly tokens: DecisionLinkTokens;

  constructor(
    secrets: SecretBox,
    private readonly database: Database,
    private readonly people: People,
    private readonly versions: WorkflowVersions,
    private readonly commands: RequestCommands,
    private readonly arrivals: TaskArrivals,
  ) {
    this.tokens = new DecisionLinkTokens(secrets.derive('decision-link'));
  }

  /** Changes nothing, whoever looks and however often. */
  async show(request: Request, token: string, stranger: Stranger): Promise<Answer> {
    const found = await this.find(request, token, stranger);
    return 'refusal' in found ? found.refusal : decisionPage(found.occasion);
  }

  /** Takes the decision, once; null when it is taken and the page shows it. */
  async decide(
    request: Request,
    token: string,
    form: DecisionForm,
    stranger: Stranger,
  ): Promise<Answer | null> {
    const found = await this.find(request, token, stranger);
    if ('refusal' in found) return found.refusal;
    const { occasion, call } = found;
    const { link, linked, reader, person } = occasion;
    const standing = standingOf(linked, person.id);
    const texts = pageTexts[reader.language];
    /** A second click is shown what has been decided; a second thought is told that it comes too late. */
    const done = (now: LinkedTask): Answer | null =>
      now.task.decision === null || now.task.decision === form.decision
        ? null
        : decisionPage({ ...occasion, linked: now }, { status: 409, sentences: [texts.tooLate], form });
    if (standing === 'decided' && linked.task.decidedBy?.id === person.id) return done(linked);
    if (standing !== 'open' && standing !== 'busy')
      return decisionPage(occasion, { status: 409, sentences: [texts.refused], form });
    const shown = readShown(form.seen);
    // Whoever sends no page's form decides on what the message said.
    const isStale =
      form.seen === '' ? isChanged(linked) : shown?.fingerprint !== shownRequest(linked).fingerprint;
    const versionSeen = shown?.version ?? link.version;
    if (isStale) {
      const now = (await this.read(link, versionSeen)) ?? linked;
      return decisionPage({ ...occasion, linked: now }, { status: 409, sentences: [texts.revised], form });
    }
    const checked = checkForm(form, linked, texts);
    if ('problems' in checked) {
      return decisionPage(occasion, {
        status: 422,
        sentences: [texts.incomplete, ...checked.problems],
        form,
      });
    }
    const outcome = await this.commands.runOnce(
      call,
      'request.decide.v1',
      linked.request.id,
      {
        actor: callingActor(call, person),
        taskId: linked.task.id,
        ...checked.filled,
        revision: linked.request.revision,
        words: { title: linked.request.title, reason: linked.request.reason },
      },
      (tx, commandId) => useLink(tx, link, commandId),
    );
    if (!outcome) return null;
    const now = await this.read(link, versionSeen);
    if (!now) return null;
    if (!outcome.refused) return done(now);
    return decisionPage({ ...occasion, linked: now }, { ...setbackOf(outcome.refused, texts), form });
  }

  /** The request, or why this link shows none. */
  private async find(request: Request, token: string, stranger: Stranger): Promise<Found> {
    const refuse = (
      status: number,
      sentence: (texts: PageTexts) => string,
      reader: Stranger = stranger,
      from?: string,
    ): Found => ({ refusal: plainPage(status, sentence, { reader, from }) });

    const link = this.tokens.read(token);
    if (!link) return refuse(404, ({ malformed }) => malformed);
    if (link.expiresAt.getTime() <= Date.now()) return refuse(410, ({ expired }) => expired);
    const { workspaceId, personId } = link;
    const settings = await this.database.read(workspaceId, (sql) => findSettings(sql, workspaceId));
    const call = callOf(request, link);
    const person = await this.people.find(workspaceId, personId, call.cause);
    const reader = readerOf(person?.id === personId ? person.reading : null, {
      // Where neither the person nor the workspace has said anything the browser knows best.
      language: settings.isLanguageSaid ? settings.language : stranger.language,
      timezone: settings.timezone,
    });
    if (!settings.decisionLinks) return refuse(410, ({ switchedOff }) => switchedOff, reader, settings.name);
    if (settings.linksSince && (madeAt(link.id) ?? 0) < settings.linksSince.getTime())
      return refuse(410, ({ ended }) => ended, reader, settings.name);
    // A ref may also be somebody's name or foreign id: of this person alone is the link.
    if (!person?.active || person.id !== personId)
      return refuse(403, ({ inactive }) => inactive, reader, settings.name);
    const linked = await this.await(link);
    if (!linked) return refuse(503, ({ notYet }) => notYet, reader, settings.name);
    return { occasion: { from: settings.name, reader, person, link, linked }, call };
  }

  /** Waits for a task that is on its way into the read model. */
  private async await(link: DecisionLink): Promise<LinkedTask | null> {
    const found = await this.read(link);
    if (found) return found;
    const isYoung = Date.now() - (madeAt(link.taskId) ?? 0) < onItsWayMs;
    return isYoung && (await this.arrivals.wait(link.taskId, patienceMs)) ? this.read(link) : null;
  }

  private read(link: DecisionLink, versionSeen = link.version): Promise<LinkedTask | null> {
    return this.database.read(link.workspaceId, (sql) =>
      readLinkedTask(sql, this.versions, link, versionSeen),
    );
  }
}

/** The same call as the API's, with the link in place of a key: that is what vouches for the person. */
const callOf = (request: Request, { id, workspaceId, personId }: DecisionLink): Call =>
  new Call(request, {
    workspace: { id: workspaceId, name: '', kind: 'live' },
    key: {
      id: `decision-link:${id}`,
      name: 'decision link',
      scopes: ['tasks:decide', 'act-as'],
      workflows: null,
    },
    actor: personId,
  });

const setbackOf = (
  { code, detail }: RefusedCommand,
  texts: PageTexts,
): Pick<Setback, 'status' | 'sentences'> => {
  switch (code) {
    case 'stale_revision':
      return { status: 409, sentences: [texts.revised] };
    case 'not_assignee':
      return { status: 403, sentences: [texts.mayNot(detail)] };
    case 'validation_failed':
      return { status: 422, sentences: [texts.incomplete, detail] };
    default:
      return { status: 409, sentences: [texts.refused] };
  }
};
