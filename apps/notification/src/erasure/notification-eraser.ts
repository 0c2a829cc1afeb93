import { Injectable } from '@nestjs/common';
import { isUuid, type DirectoryPerson, type RequestToErase } from '@countersign/contracts';
import { forgetPerson } from '@countersign/directory-replica';
import { redactorOf, type Counts, type Eraser, type ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { erasedName } from '@countersign/redaction';
import { eraseChats } from './erase-chats';
import { eraseDigests, eraseMails, type AddressedTo } from './erase-mails';

interface EventRow extends Record<string, unknown> {
  id: string;
  request_id: string;
  standard: string | null;
  easylife: string | null;
}

/** The bodies for subscribers, what these answered, mails, chat messages, payloads and preferences. */
@Injectable()
export class NotificationEraser implements Eraser {
  async eraseRequests(tx: Tx, scope: ErasureScope, requests: readonly RequestToErase[]): Promise<Counts> {
    const ids = requests.map(({ id }) => id);
    const own = requests.filter(({ isRequester }) => isRequester).map(({ id }) => id);
    const [events, people] = await Promise.all([
      tx.query<EventRow>(
        `SELECT id, request_id, standard, easylife FROM event
          WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE`,
        [scope.workspaceId, ids],
      ),
      knownAs(tx, scope),
    ]);
    const { mails, addressedTo } = await eraseMails(tx, scope, ids);
    const outsiders = await knownOutside(tx, scope, events);
    const changed = redactEvents(scope, requests, events, [...people, ...addressedTo], outsiders);
    if (changed.length > 0) {
      tx.write(
        `UPDATE event e SET standard = c.standard, easylife = c.easylife
           FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c (id, standard, easylife) WHERE e.id = c.id`,
        [
          changed.map(({ id }) => id),
          changed.map(({ standard }) => standard),
          changed.map(({ easylife }) => easylife),
        ],
      );
    }
    const [chats, answers, payloads] = await Promise.all([
      eraseChats(tx, ids),
      eraseResponses(
        tx,
        scope.workspaceId,
        events.map(({ id }) => id),
      ),
      erasePayloads(tx, scope.workspaceId, own),
    ]);
    const mentions = await eraseMentions(
      tx,
      scope,
      requests.filter(({ isRequester }) => !isRequester),
      [...people, ...addressedTo, ...events.flatMap(documentsOf)],
    );
    return { events: changed.length, mails, chats, answers, payloads: payloads + mentions };
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
      eraseDigests(tx, subject),
      forgetPerson(tx, workspaceId, subject),
    ]);
    return { preferences: preferences.length, channels: channels.length, mails, people };
  }
}

const knownAs = async (sql: Sql, { workspaceId, subject }: ErasureScope): Promise<DirectoryPerson[]> =>
  subject === null
    ? []
    : (
        await sql.query<{ person: DirectoryPerson }>(
          'SELECT person FROM person WHERE workspace_id = $1 AND id = $2 AND person IS NOT NULL',
          [workspaceId, subject],
        )
      ).map(({ person }) => person);

const documentsOf = ({ standard }: EventRow): unknown[] => (standard === null ? [] : [JSON.parse(standard)]);

const redactEvents = (
  scope: ErasureScope,
  requests: readonly RequestToErase[],
  events: readonly EventRow[],
  known: readonly (DirectoryPerson | AddressedTo)[],
  outsiders: ReadonlySet<string>,
): EventRow[] =>
  requests.flatMap((request) => {
    const ofRequest = events.filter(({ request_id: id }) => id === request.id);
    const redact = redactorOf(scope, request, [...known, ...ofRequest.flatMap(documentsOf)]);
    return ofRequest.flatMap((event) => {
      const standard = event.standard === null ? null : JSON.stringify(redact(JSON.parse(event.standard)));
      const easylife =
        event.easylife === null
          ? null
          : JSON.stringify(
              withoutIds(redact(JSON.parse(event.easylife)), scope.subject, request.isRequester, outsiders),
            );
      return standard === event.standard && easylife === event.easylife
        ? []
        : [{ ...event, standard, easylife }];
    });
  });

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
  eventIds: readonly string[],
): Promise<number> => {
  if (eventIds.length === 0) return 0;
  // By the endpoints, those that are gone too: an index on the event alone would be written with every delivery, for this only.
  const rows = await sql.query(
    `WITH RECURSIVE called (id) AS (
       (SELECT endpoint_id FROM delivery WHERE workspace_id = $1 ORDER BY endpoint_id LIMIT 1)
       UNION ALL
       SELECT (SELECT endpoint_id FROM delivery WHERE workspace_id = $1 AND endpoint_id > called.id ORDER BY endpoint_id LIMIT 1)
         FROM called WHERE called.id IS NOT NULL
     )
     UPDATE delivery_attempt a SET response = NULL
       FROM called CROSS JOIN unnest($2::uuid[]) AS v (id)
       JOIN delivery d ON d.endpoint_id = called.id AND d.event_id = v.id
      WHERE a.delivery_id = d.id AND a.response IS NOT NULL RETURNING 1`,
    [workspaceId, eventIds],
  );
  return rows.length;
};

const erasePayloads = async (sql: Sql, workspaceId: string, own: readonly string[]): Promise<number> => {
  const rows = await sql.query(
    `UPDATE request_payload SET payload = 'null'
      WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[]) AND payload::text <> 'null' RETURNING 1`,
    [workspaceId, own],
  );
  return rows.length;
};

interface PayloadRow extends Record<string, unknown> {
  request_id: string;
  revision: number;
  request_version: number;
  payload: unknown;
}

/** Payloads of others that name the subject. */
const eraseMentions = async (
  tx: Tx,
  scope: ErasureScope,
  requests: readonly RequestToErase[],
  known: readonly unknown[],
): Promise<number> => {
  if (requests.length === 0) return 0;
  const rows = await tx.query<PayloadRow>(
    `SELECT request_id, revision, request_version, payload FROM request_payload
      WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[])`,
    [scope.workspaceId, requests.map(({ id }) => id)],
  );
  const [request] = requests;
  const redact = request && redactorOf(scope, request, known);
  const changed = rows.flatMap((row) => {
    const after = JSON.stringify(redact?.(row.payload));
    return after === JSON.stringify(row.payload) ? [] : [{ ...row, after }];
  });
  if (changed.length > 0) {
    tx.write(
      `UPDATE request_payload p SET payload = c.payload
         FROM unnest($2::uuid[], $3::int[], $4::int[], $5::json[]) AS c (request_id, revision, request_version, payload)
        WHERE p.workspace_id = $1 AND p.request_id = c.request_id AND p.revision = c.revision AND p.request_version = c.request_version`,
      [
        scope.workspaceId,
        changed.map((row) => row.request_id),
        changed.map(({ revision }) => revision),
        changed.map((row) => row.request_version),
        changed.map(({ after }) => after),
      ],
    );
  }
  return changed.length;
};
