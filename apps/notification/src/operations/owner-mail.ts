import type { DirectoryPerson } from '@countersign/contracts';
import type { Sql, TransactionSql } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { EndpointSubject, Happening } from '../events/operational-event';
import { readerOf } from '@countersign/reader';
import { readAudience } from '../audience/read-audience';
import { nameOf, type MailContent } from '../mail/mail-content';
import { address } from '../mail/plan-mail';
import { renderHtml, renderText, type MailFrame } from '../mail/render-mail';
import { mailTexts, type MailTexts } from '../mail/texts';

interface Occasion {
  eventId: string;
  subject: EndpointSubject;
  operation: Happening;
}

interface OwnerMail {
  id: string;
  workspaceId: string;
  eventId: string;
  person: DirectoryPerson;
  content: MailContent;
  frame: MailFrame;
  state: 'pending' | 'captured' | 'skipped';
  correlationId: string;
}

/** Owners hear of one thing only: that somebody has to see to their endpoint now. */
export const planOwnerMails = async (
  sql: Sql,
  occasions: readonly Occasion[],
  { captured, publicUrl }: { captured: boolean; publicUrl: string },
): Promise<OwnerMail[]> => {
  const disabled = occasions.flatMap(({ eventId, subject, operation }) =>
    operation.type === 'endpoint.disabled' && subject.ownerId !== null
      ? [{ eventId, subject, operation, ownerId: subject.ownerId }]
      : [],
  );
  if (disabled.length === 0) return [];
  const [owners, audience] = await Promise.all([
    readOwners(
      sql,
      disabled.map(({ ownerId }) => ownerId),
    ),
    readAudience(
      sql,
      disabled.map(({ subject }) => subject.workspaceId),
      disabled.map(({ subject, ownerId }) => ({ workspaceId: subject.workspaceId, personId: ownerId })),
    ),
  ]);
  return disabled.flatMap(({ eventId, subject, operation, ownerId }): OwnerMail[] => {
    const person = owners.get(ownerId);
    if (!person?.active) return [];
    const { reason } = operation;
    const workspace = audience.workspace(subject.workspaceId);
    const { language } = readerOf(audience.reading(subject.workspaceId, ownerId), workspace);
    return [
      {
        id: v7(),
        workspaceId: subject.workspaceId,
        eventId,
        person,
        content: contentOf(person, subject, reason, publicUrl, mailTexts[language]),
        frame: { language, workspace: workspace.name },
        state: !person.email || !address.test(person.email) ? 'skipped' : captured ? 'captured' : 'pending',
        correlationId: v7(),
      },
    ];
  });
};

const contentOf = (
  person: DirectoryPerson,
  { id, url, description }: EndpointSubject,
  reason: string,
  publicUrl: string,
  { hello, endpointDisabled }: MailTexts,
): MailContent => ({
  subject: endpointDisabled
    .subject(description ?? new URL(url).host)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, 250)
    .toWellFormed(),
  greeting: hello(nameOf(person)),
  sentences: endpointDisabled.sentences,
  facts: [
    // Its path may be a secret.
    [endpointDisabled.labels.address, new URL(url).origin],
    ...(description === null
      ? []
      : [[endpointDisabled.labels.description, description] satisfies [string, string]]),
    [endpointDisabled.labels.reason, reason],
  ],
  summary: [],
  decisions: [],
  decide: null,
  links: [[endpointDisabled.link, `${publicUrl}/v1/webhook-endpoints/${id}`]],
});

export const writeOwnerMails = (sql: TransactionSql, mails: readonly OwnerMail[]): void => {
  if (mails.length === 0) return;
  sql.write(
    `INSERT INTO mail (id, workspace_id, event_id, person_id, recipient, recipient_name, subject, text_body, html_body, state, error,
                       correlation_id, due_at, finished_at, untold)
     SELECT m.*, CASE WHEN m.state = 'pending' THEN now() END, CASE WHEN m.state <> 'pending' THEN now() END, m.state <> 'pending'
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                   $10::text[], $11::text[], $12::uuid[])
         AS m (id, workspace_id, event_id, person_id, recipient, recipient_name, subject, text_body, html_body, state, error,
               correlation_id)`,
    [
      mails.map(({ id }) => id),
      mails.map(({ workspaceId }) => workspaceId),
      mails.map(({ eventId }) => eventId),
      mails.map(({ person }) => person.id),
      mails.map(({ person }) => person.email),
      mails.map(({ person }) => nameOf(person)),
      mails.map(({ content }) => content.subject),
      mails.map(({ content, frame }) => renderText(content, frame)),
      mails.map(({ content, frame }) => renderHtml(content, frame)),
      mails.map(({ state }) => state),
      mails.map(({ state }) => (state === 'skipped' ? 'no usable mail address' : null)),
      mails.map(({ correlationId }) => correlationId),
    ],
  );
};

const readOwners = async (sql: Sql, ids: readonly string[]): Promise<Map<string, DirectoryPerson>> => {
  const rows = await sql.query<{ person: DirectoryPerson }>(
    'SELECT person FROM person WHERE id = ANY ($1::uuid[]) AND person IS NOT NULL',
    [ids],
  );
  return new Map(rows.map(({ person }) => [person.id, person]));
};
