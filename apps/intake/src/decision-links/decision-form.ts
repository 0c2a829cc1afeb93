import { decisions, type DecisionKind } from '@countersign/contracts';
import type { LinkedTask } from './link-standing';
import type { PageTexts } from './page-texts';

/** What somebody has filled in, as it was sent: nothing of it is checked. */
export interface DecisionForm {
  decision: string;
  comment: string;
  reasonCode: string;
  revision: string;
}

/** A decision as the API takes it. */
export interface FilledDecision {
  decision: DecisionKind;
  comment: string | null;
  reasonCode: string | null;
  revision: number;
}

const longestComment = 5_000;

/** Text that PostgreSQL stores, with line ends as everywhere (HTML sends CR LF). */
const plain = (text: string | null): string =>
  (text ?? '').replaceAll('\r\n', '\n').replaceAll('\0', '').toWellFormed();

/** The fields of `application/x-www-form-urlencoded`. */
export const readForm = (text: string): DecisionForm => {
  const fields = new URLSearchParams(text);
  return {
    decision: plain(fields.get('decision')),
    comment: plain(fields.get('comment')),
    reasonCode: plain(fields.get('reasonCode')),
    revision: plain(fields.get('revision')),
  };
};

/** What is wrong with it, in sentences; or the decision that it is, by default on the revision that the message showed. */
export const checkForm = (
  form: DecisionForm,
  { rules }: Pick<LinkedTask, 'rules'>,
  revisionSeen: number,
  texts: PageTexts,
): { problems: string[] } | { filled: FilledDecision } => {
  const decision = decisions.find((one) => one === form.decision);
  const comment = form.comment.trim() === '' ? null : form.comment;
  const reasonCode = form.reasonCode || null;
  const needsComment =
    rules.comment === 'required' || (rules.comment === 'required-on-reject' && decision === 'reject');
  const codes = decision ? rules.reasonCodes[decision] : null;
  const problems = [
    ...(decision ? [] : [texts.chooseOne]),
    ...(needsComment && comment === null ? [texts.commentNeeded] : []),
    ...(form.comment.length > longestComment ? [texts.commentTooLong] : []),
    ...(reasonCode !== null && decision && !codes?.includes(reasonCode) ? [texts.badReasonCode] : []),
  ];
  if (!decision || problems.length > 0) return { problems };
  const revision = /^[1-9]\d{0,8}$/.test(form.revision) ? Number(form.revision) : revisionSeen;
  return { filled: { decision, comment, reasonCode, revision } };
};
