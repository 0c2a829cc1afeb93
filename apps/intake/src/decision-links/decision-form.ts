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

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The fields of `application/x-www-form-urlencoded`; null for what has no one reading: no UTF-8, or a field twice. */
export const readForm = (body: Uint8Array): DecisionForm | null => {
  let text: string;
  try {
    text = utf8.decode(body);
    // URLSearchParams would put something else in place of what is no UTF-8.
    decodeURIComponent(text);
  } catch {
    return null;
  }
  const fields = new URLSearchParams(text);
  // With line ends as everywhere: HTML sends CR LF.
  const one = (name: keyof DecisionForm) => (fields.get(name) ?? '').replaceAll('\r\n', '\n');
  const form = {
    decision: one('decision'),
    comment: one('comment'),
    reasonCode: one('reasonCode'),
    seen: one('seen'),
  };
  return Object.keys(form).some((name) => fields.getAll(name).length > 1) ? null : form;
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
    // PostgreSQL stores no such text.
    ...(form.comment.includes('\0') ? [texts.commentUnreadable] : []),
    ...(reasonCode !== null && decision && !codes?.includes(reasonCode) ? [texts.badReasonCode] : []),
  ];
  if (!decision || problems.length > 0) return { problems };
  return { filled: { decision, comment, reasonCode } };
};
