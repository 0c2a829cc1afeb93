import { decisions, type DecisionKind, type Person } from '@countersign/contracts';
import type { DecisionLink } from '@countersign/decision-link';
import { escapeHtml, formatTime, oneLine, payloadLines, type Reader } from '@countersign/reader';
import type { Answer } from '@countersign/service-kit';
import type { DecisionForm } from './decision-form';
import { standingOf, type LinkedTask } from './link-standing';
import { pageAnswer } from './page-frame';
import { pageTexts, type PageTexts } from './page-texts';
import { payloadChanges } from './payload-changes';
import { shownRequest, writeShown } from './shown-request';

/** What a page is written from. */
export interface PageOccasion {
  /** Of the workspace. */
  from: string;
  reader: Reader;
  /** Whom the link is for. */
  person: Person;
  link: DecisionLink;
  linked: LinkedTask;
}

/** Something that kept a decision from being taken, and what had been filled in. */
export interface Setback {
  status: number;
  /** Sentences; the first says that nothing was decided. */
  sentences: string[];
  form: DecisionForm | null;
}

const payloadLimits = { most: 200, longest: 5_000 };

const p = (text: string): string => `<p>${escapeHtml(text)}</p>`;
const notice = (sentences: readonly string[], kind = ''): string =>
  sentences.length > 0
    ? `<div class="notice${kind}"${kind ? ' role="alert"' : ''}>${sentences.map(p).join('')}</div>`
    : '';
const row = ([name, value]: readonly [string, string]): string =>
  `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`;
const table = (rows: readonly (readonly [string, string])[]): string =>
  `<table><tbody>${rows.map(row).join('')}</tbody></table>`;
const nameOf = ({ displayName, userName }: Person): string => oneLine(displayName) || oneLine(userName);

/** A page that says one thing only: nothing of any request. */
export const plainPage = (
  status: number,
  sentence: (texts: PageTexts) => string,
  { reader, from = '', title }: { reader: Pick<Reader, 'language'>; from?: string; title?: keyof PageTexts },
): Answer => {
  const texts = pageTexts[reader.language];
  const heading = String(texts[title ?? 'trouble']);
  return pageAnswer({
    status,
    language: reader.language,
    title: heading,
    from,
    body: `<h1>${escapeHtml(heading)}</h1>${notice([sentence(texts)])}`,
  });
};

/** The request as the person of the link may see it, with the form to decide while that is theirs to do. */
export const decisionPage = (occasion: PageOccasion, setback: Setback | null = null): Answer => {
  const { reader, from, link, linked } = occasion;
  const texts = pageTexts[reader.language];
  const standing = standingOf(linked, link.personId);
  const frame = { status: setback?.status ?? 200, language: reader.language, from };
  const warning = notice(setback?.sentences ?? [], ' warning');
  const heading = `<h1>${escapeHtml(linked.request.title)}</h1>`;

  if (standing === 'moved') {
    // Whoever does not hold the task any more is not shown more than their message had: the title.
    const body = `${heading}${warning}${notice([texts.moved, texts.nothingToDo])}`;
    return pageAnswer({ ...frame, title: texts.settled, body });
  }
  if (standing === 'busy') {
    const body = `${heading}${warning}${notice([texts.busy])}${about(occasion, texts)}`;
    return pageAnswer({ ...frame, title: texts.decide, body, lookAgain: 2 });
  }
  if (standing === 'open') {
    const { assignee, onBehalfOf } = linked.task;
    const isStandIn = onBehalfOf && assignee.id === link.personId;
    const asked = [
      texts.asked(nameOf(linked.request.requester)),
      ...(isStandIn ? [texts.onBehalfOf(nameOf(onBehalfOf))] : []),
    ];
    const body = [
      heading,
      warning || notice(asked),
      changes(occasion, texts, setback !== null),
      about(occasion, texts),
      form(occasion, texts, setback?.form ?? null),
    ];
    return pageAnswer({ ...frame, title: `${texts.decide}: ${linked.request.title}`, body: body.join('\n') });
  }
  const body = `${heading}${warning}${notice(outcome(occasion, texts))}${about(occasion, texts)}`;
  return pageAnswer({ ...frame, title: texts.settled, body });
};

const outcome = ({ linked: { task, request }, link, reader }: PageOccasion, texts: PageTexts): string[] => {
  const { decidedBy, decidedAt, state } = task;
  const at = decidedAt === null ? '' : formatTime(decidedAt, reader);
  const isDecided = state === 'approved' || state === 'rejected' || state === 'returned';
  const what = !isDecided
    ? texts.closed(state)
    : decidedBy?.id === link.personId || !decidedBy
      ? texts.youDecided(state, at)
      : texts.otherDecided(nameOf(decidedBy), state, at);
  return [what, texts.requestIs(request.state), texts.nothingToDo];
};

/** What the request says, what is asked for and who has decided so far. */
const about = ({ linked, reader }: PageOccasion, texts: PageTexts): string => {
  const { request, stage, task, payload, workflowTitle } = linked;
  const facts: (readonly [string, string])[] = [
    [texts.requester, nameOf(request.requester)],
    ...(request.reason ? [[texts.reason, request.reason] as const] : []),
    [texts.workflow, workflowTitle],
    [texts.stage, texts.stageOf(stage.title, stage.index + 1, request.totalStages)],
    ...(request.externalRef ? [[texts.reference, request.externalRef] as const] : []),
    ...(task.dueAt ? [[texts.due, formatTime(task.dueAt, reader)] as const] : []),
  ];
  const lines = payloadLines(payload, reader, payloadLimits);
  const requested = lines.length > 0 ? table(lines) : p(texts.attached);
  return `${table(facts)}<h2>${escapeHtml(texts.requested)}</h2>${requested}${earlier(linked, reader, texts)}`;
};

const earlier = ({ request }: LinkedTask, reader: Reader, texts: PageTexts): string => {
  const decided = request.stages
    .flatMap((stage) => stage.tasks.map((task) => ({ stage, task })))
    .filter(({ task }) => task.decidedBy !== null && task.decidedAt !== null)
    .sort((a, b) => ((a.task.decidedAt ?? '') < (b.task.decidedAt ?? '') ? -1 : 1));
  if (decided.length === 0) return '';
  const items = decided.map(({ stage, task }) => {
    const name = task.decidedBy ? nameOf(task.decidedBy) : '';
    const said = [
      `${stage.title} – ${texts.decisionOf(name, formatTime(task.decidedAt ?? '', reader), task.state)}`,
      ...(task.reasonCode ? [`${texts.reasonCode}: ${task.reasonCode}`] : []),
      ...(task.comment ? [`${texts.comment}: ${task.comment}`] : []),
    ];
    return `<li>${said.map(escapeHtml).join('<br>')}</li>`;
  });
  return `<h2>${escapeHtml(texts.decisionsHeading)}</h2><ul>${items.join('')}</ul>`;
};

const changes = ({ linked, reader }: PageOccasion, texts: PageTexts, isSaid: boolean): string => {
  const { request, payload, payloadSeen, wordsSeen } = linked;
  const words = [
    { path: texts.title, before: wordsSeen?.title, now: request.title },
    { path: texts.reason, before: wordsSeen?.reason, now: request.reason },
  ];
  const lines = [
    ...(wordsSeen ? words.filter(({ before, now }) => before !== now) : []),
    ...(payloadSeen ? payloadChanges(payloadSeen.value, payload, reader) : []),
  ];
  if (lines.length === 0) return '';
  const heads = [texts.member, texts.before, texts.now].map(
    (text) => `<th scope="col">${escapeHtml(text)}</th>`,
  );
  const rows = lines.map(({ path, before, now }) => {
    const cells = [path, before ?? '–', now ?? '–'].map((text) => `<td>${escapeHtml(text)}</td>`);
    return `<tr>${cells.join('')}</tr>`;
  });
  return (
    `<h2>${escapeHtml(texts.changedHeading)}</h2>${isSaid ? '' : notice([texts.changed], ' warning')}` +
    `<table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
  );
};

const form = (
  { linked, link, reader, person }: PageOccasion,
  texts: PageTexts,
  filled: DecisionForm | null,
): string => {
  const { rules } = linked;
  const choice = (decision: DecisionKind) => {
    const hint = texts.decisionHints[decision];
    return (
      `<label><input type="radio" name="decision" value="${decision}" required${filled?.decision === decision ? ' checked' : ''}>` +
      `${escapeHtml(texts.decisions[decision])}${hint ? ` <span class="hint">${escapeHtml(hint)}</span>` : ''}</label>`
    );
  };
  const codes = decisions.filter((decision) => (rules.reasonCodes[decision] ?? []).length > 0);
  const option = (decision: DecisionKind, code: string) =>
    `<option value="${escapeHtml(code)}"${filled?.reasonCode === code && filled.decision === decision ? ' selected' : ''}>${escapeHtml(code)}</option>`;
  const reasons = codes.map(
    (decision) =>
      `<optgroup label="${escapeHtml(texts.decisions[decision])}">${(rules.reasonCodes[decision] ?? []).map((code) => option(decision, code)).join('')}</optgroup>`,
  );
  const reasonCode =
    reasons.length > 0
      ? `<label>${escapeHtml(texts.reasonCodeHint)}<select name="reasonCode"><option value="">${escapeHtml(texts.noReasonCode)}</option>${reasons.join('')}</select></label>`
      : '';
  return (
    `<form method="post" accept-charset="utf-8" autocomplete="off">` +
    `<fieldset><legend>${escapeHtml(texts.answerHeading)}</legend>${decisions.map(choice).join('')}</fieldset>` +
    reasonCode +
    `<label>${escapeHtml(texts.commentLabels[rules.comment])}` +
    `<textarea name="comment" rows="4" maxlength="5000"${rules.comment === 'required' ? ' required' : ''}>\n${escapeHtml(filled?.comment ?? '')}</textarea></label>` +
    `<input type="hidden" name="seen" value="${writeShown(shownRequest(linked))}">` +
    `<button type="submit">${escapeHtml(texts.send)}</button>` +
    `<p class="foot">${escapeHtml(texts.once(nameOf(person), formatTime(link.expiresAt.toISOString(), reader)))}</p></form>`
  );
};
