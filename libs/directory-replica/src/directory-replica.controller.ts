import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import type { DirectoryPerson } from '@countersign/contracts';

/** Keeps the copy up to date: the newest version of each person wins, whatever order messages come in. */
const store = async (
  tx: Tx,
  people: readonly { workspaceId: string; person: DirectoryPerson }[],
): Promise<void> => {
  const newest = new Map<string, { workspaceId: string; person: DirectoryPerson }>();
  for (const entry of people) {
    const key = `${entry.workspaceId} ${entry.person.id}`;
    if ((newest.get(key)?.person.version ?? -1) < entry.person.version) newest.set(key, entry);
  }
  const rows = [...newest.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO person (workspace_id, id, external_id, user_name, version, active, person)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::json[])
     ON CONFLICT (workspace_id, id) DO UPDATE
        SET external_id = excluded.external_id, user_name = excluded.user_name, version = excluded.version,
            active = excluded.active, person = excluded.person
      WHERE person.version < excluded.version`,
    [
      rows.map(({ workspaceId }) => workspaceId),
      rows.map(({ person }) => person.id),
      rows.map(({ person }) => person.externalId),
      rows.map(({ person }) => person.userName.toLowerCase()),
      rows.map(({ person }) => person.version),
      rows.map(({ person }) => person.active),
      rows.map(({ person }) => JSON.stringify(person)),
    ],
  );
};

/** A tombstone, newer than anything: a change that was sent before the end and arrives after it brings nobody back. */
const bury = async (tx: Tx, people: readonly { workspaceId: string; id: string }[]): Promise<void> => {
  // Each once: one statement cannot change a row twice.
  const sorted = [...new Map(people.map((one) => [`${one.workspaceId} ${one.id}`, one])).values()].sort(
    (a, b) => (a.id < b.id ? -1 : 1),
  );
  if (sorted.length === 0) return;
  await tx.query(
    `INSERT INTO person (workspace_id, id, user_name, version, active)
     SELECT w, p, '', 9223372036854775807, false FROM unnest($1::uuid[], $2::uuid[]) AS d (w, p)
     ON CONFLICT (workspace_id, id) DO UPDATE
        SET external_id = NULL, user_name = '', version = excluded.version, active = false, person = NULL`,
    [sorted.map(({ workspaceId }) => workspaceId), sorted.map(({ id }) => id)],
  );
};

@Controller()
export class DirectoryReplicaController {
  @Handles('directory.changed.v1')
  async changed(messages: Message<'directory.changed.v1'>[], tx: Tx): Promise<void> {
    await store(
      tx,
      messages.flatMap(({ workspaceId, data }) => data.people.map((person) => ({ workspaceId, person }))),
    );
    await bury(
      tx,
      messages.flatMap(({ workspaceId, data }) => data.deleted.map((id) => ({ workspaceId, id }))),
    );
  }

  @Handles('directory.found.v1')
  async found(messages: Message<'directory.found.v1'>[], tx: Tx): Promise<void> {
    await store(
      tx,
      messages.flatMap(({ workspaceId, data }) => data.people.map((person) => ({ workspaceId, person }))),
    );
    const ofGroups = messages.filter(({ data }) => data.groups);
    if (ofGroups.length > 0) {
      // Groups are not kept: whoever asked fetches the answer.
      await tx.query(
        'UPDATE directory_question q SET answer = a.answer FROM unnest($1::uuid[], $2::json[]) AS a (id, answer) WHERE q.id = a.id',
        [
          ofGroups.map(({ data }) => data.questionId),
          ofGroups.map(({ data }) => JSON.stringify(data.groups)),
        ],
      );
    }
    await tx.query('DELETE FROM directory_question WHERE id = ANY ($1::uuid[]) AND answer IS NULL', [
      messages.map(({ data }) => data.questionId),
    ]);
  }
}
