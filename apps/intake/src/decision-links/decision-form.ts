import { decisions, type DecisionKind } from '@countersign/contracts';
import type { LinkedTask } from './link-standing';
import type { PageTexts } from './page-texts';

/** What somebody has filled in, as it was sent: nothing of it is checked. */
export interface DecisionForm {
  decision: string;
  comment: string;
  reasonCode: string;
  /** What the page had shown. */
  seen: string;
}

/** A decision as the API takes it. */
export interface FilledDecision {
  decision: DecisionKind;
  comment: string | null;
  reasonCode: string | null;
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
    seen: plain(fields.get('seen')),
  };
};

/** What is wrong with it, in sentences; or the decision that it is. */
export const checkForm = (
  form: DecisionForm,
  { rules }: Pick<LinkedTask, 'rules'>,
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
  return { filled: { decision, comment, reasonCode } };
};
