import { Injectable } from '@nestjs/common';
import { isUuid, type DirectoryPerson, type RequestToErase } from '@countersign/contracts';
import { forgetPerson } from '@countersign/directory-replica';
import {
  DocumentTable,
  emptyPayloads,
  eraseDocuments,
  kindOf,
  othersPayloads,
  type Counts,
  type DocumentKind,
  type DocumentRow,
  type Eraser,
  type ErasureScope,
} from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { erasedName, namesOf } from '@countersign/redaction';
import { MailSettings } from '../mail/mail.settings';
import { eraseChats } from './erase-chats';
import { eraseDigests, eraseMails, howAddressed } from './erase-mails';

interface EventRow extends DocumentRow {
  id: string;
  standard: string | null;
  easylife: string | null;
}

const eventTable = new DocumentTable<EventRow>({
  table: 'event',
  key: { id: 'uuid' },
  documents: { standard: 'text', easylife: 'text' },
});

const payloads = othersPayloads({ revision: 'int', request_version: 'int' });

/** The bodies for subscribers, what these answered, mails, chat messages, payloads and preferences. */
@Injectable()
export class NotificationEraser implements Eraser {
  constructor(private readonly mails: MailSettings) {}

  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]) {
    const people = await knownAs(tx, scope);
    const called =
      scope.subject === null ? [] : [...people, ...(await howAddressed(tx, scope, idsOf(requests)))];
    const { erased, counts } = await eraseDocuments(
      tx,
      scope,
      requests,
      [eventsOf(tx, scope), payloads],
      scope.subject === null ? [] : namesOf(called, scope.subject),
    );
    const ids = idsOf(erased);
    const isActive = people.some(({ active }) => active);
    const mails = await eraseMails(tx, scope, ids, isActive, this.mails);
    const [chats, answers, emptied] = await Promise.all([
      eraseChats(tx, ids, this.mails.smtpUrl === null ? 'captured' : 'pending'),
      eraseResponses(tx, scope.workspaceId, ids),
      emptyPayloads(tx, scope, erased),
    ]);
    return {
      requests: erased.length,
      counts: { ...counts, mails, chats, answers, payloads: (counts.payloads ?? 0) + emptied },
    };
  }

  async eraseGeneral(tx: Tx, { workspaceId, subject }: ErasureScope & { subject: string }): Promise<Counts> {
    const [preferences, channels, mails, people] = await Promise.all([
      tx.query('DELETE FROM notification_preference WHERE person_id = $1 AND workspace_id = $2 RETURNING 1', [
        subject,
        workspaceId,
      ]),
      // Of somebody active it is where they want to be told; like their record in the directory, it is not history.
      tx.query(
        `DELETE FROM chat_channel WHERE workspace_id = $1 AND user_id = $2
            AND NOT EXISTS (SELECT FROM person WHERE workspace_id = $1 AND id = $2 AND active) RETURNING 1`,
        [workspaceId, subject],
      ),
      eraseDigests(tx, workspaceId, subject),
      forgetPerson(tx, workspaceId, subject),
    ]);
    return { preferences: preferences.length, channels: channels.length, mails, people };
  }
}

const idsOf = (requests: readonly RequestToErase[]): string[] => requests.map(({ id }) => id);

const knownAs = async (sql: Sql, { workspaceId, subject }: ErasureScope): Promise<DirectoryPerson[]> =>
  subject === null
    ? []
    : (
        await sql.query<{ person: DirectoryPerson }>(
          'SELECT person FROM person WHERE workspace_id = $1 AND id = $2 AND person IS NOT NULL',
          [workspaceId, subject],
        )
      ).map(({ person }) => person);

const eventsOf = (sql: Sql, scope: ErasureScope): DocumentKind => {
  let outsiders: ReadonlySet<string> = new Set();
  return kindOf({
    name: 'events',
    table: eventTable,
    known: ({ standard }) => (standard === null ? [] : [JSON.parse(standard)]),
    prepare: async (rows) => void (outsiders = await knownOutside(sql, scope, rows)),
    redact: ({ standard, easylife }, redact, { isRequester }) => {
      const after = [
        standard === null ? null : JSON.stringify(redact(JSON.parse(standard))),
        easylife === null
          ? null
          : JSON.stringify(withoutIds(redact(JSON.parse(easylife)), scope.subject, isRequester, outsiders)),
      ];
      return after[0] === standard && after[1] === easylife ? null : after;
    },
  });
};

interface EasylifeBody {
  requestorId: string;
  participants: string[];
}

/**
 * People are known to this format by the ids of another directory, which belong to them. Whose they are our copy of the directory may have
 * forgotten by now: among participants, one that is nobody else's is taken for the subject's.
 */
const withoutIds = (
  body: EasylifeBody,
  subject: string | null,
  isRequester: boolean,
  outsiders: ReadonlySet<string>,
): EasylifeBody => {
  const { requestorId, participants } = body;
  const erased = subject === null ? 'erased' : erasedName(subject);
  const isOwn = (id: string) => isRequester && id === requestorId && id !== subject;
  const isNobodys = (id: string) => id !== requestorId && id !== erased && !outsiders.has(id);
  return {
    ...body,
    requestorId: subject === null || isOwn(requestorId) ? erased : requestorId,
    participants: participants.map((id) => (subject === null || isOwn(id) || isNobodys(id) ? erased : id)),
  };
};

/** Of the ids in these bodies, those of our own, and those that belong to somebody else in the other directory. */
const knownOutside = async (
  sql: Sql,
  { workspaceId, subject }: ErasureScope,
  events: readonly EventRow[],
): Promise<Set<string>> => {
  const ids = events.flatMap(({ easylife }) =>
    easylife === null ? [] : (JSON.parse(easylife) as EasylifeBody).participants,
  );
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: string }>(
    `SELECT id::text FROM person WHERE workspace_id = $1 AND id = ANY ($3::uuid[])
     UNION ALL
     SELECT external_id FROM person WHERE workspace_id = $1 AND external_id = ANY ($2::text[]) AND id IS DISTINCT FROM $4::uuid`,
    [workspaceId, [...new Set(ids)], [...new Set(ids.filter(isUuid))], subject],
  );
  return new Set(rows.map(({ id }) => id));
};

/** What receivers answered may repeat what they were sent. */
const eraseResponses = async (
  sql: Sql,
  workspaceId: string,
  requestIds: readonly string[],
): Promise<number> => {
  // By the endpoints, those that are gone too: an index on the event alone would be written with every delivery, for this only.
  const rows = await sql.query(
    `WITH RECURSIVE called (id) AS (
       (SELECT endpoint_id FROM delivery WHERE workspace_id = $1 ORDER BY endpoint_id LIMIT 1)
       UNION ALL
       SELECT (SELECT endpoint_id FROM delivery WHERE workspace_id = $1 AND endpoint_id > called.id ORDER BY endpoint_id LIMIT 1)
         FROM called WHERE called.id IS NOT NULL
     )
     UPDATE delivery_attempt a SET response = NULL
       FROM called CROSS JOIN (SELECT id FROM event WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[])) v
       JOIN delivery d ON d.endpoint_id = called.id AND d.event_id = v.id
      WHERE a.delivery_id = d.id AND a.response IS NOT NULL RETURNING 1`,
    [workspaceId, requestIds],
  );
  return rows.length;
};
