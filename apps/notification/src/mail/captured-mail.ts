/** A mail that was kept instead of sent, as its table has it. */
export interface MailRow extends Record<string, unknown> {
  id: string;
  recipient: string | null;
  subject: string;
  text_body: string;
  html_body: string;
  state: string;
  created_at: Date;
}

/** A mail as it is shown. */
export const mailView = (row: MailRow) => ({
  id: row.id,
  to: row.recipient,
  subject: row.subject,
  text: row.text_body,
  html: row.html_body,
  state: row.state,
  createdAt: row.created_at.toISOString(),
});

export type CapturedMail = ReturnType<typeof mailView>;
