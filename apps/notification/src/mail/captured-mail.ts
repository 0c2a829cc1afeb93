import type { DecisionTokens, Linked } from './decision-tokens';
import { messageIdOf, threadOf } from './mail-threads';
import type { KeptLink } from './plan-mail';

/** A mail that was kept instead of sent, as its table has it. */
export interface MailRow extends Record<string, unknown> {
  id: string;
  recipient: string | null;
  subject: string;
  text_body: string;
  html_body: string;
  person_id: string;
  workspace_id: string;
  request_id: string | null;
  links: KeptLink[];
  state: string;
  created_at: Date;
}

const linkedOf = ({ workspace_id: workspaceId, person_id: personId, links }: MailRow): Linked => ({
  workspaceId,
  personId,
  links,
});

/** A mail as it is shown to whoever tries things out: with its links, as its recipient would have got it. */
export const mailView = (row: MailRow, tokens: DecisionTokens, domain: string) => ({
  id: row.id,
  to: row.recipient,
  subject: row.subject,
  text: tokens.insert(row.text_body, linkedOf(row)),
  html: tokens.insert(row.html_body, linkedOf(row)),
  messageId: messageIdOf(row.id, domain),
  references: threadOf(row.request_id, domain),
  state: row.state,
  createdAt: row.created_at.toISOString(),
});

export type CapturedMail = ReturnType<typeof mailView>;
