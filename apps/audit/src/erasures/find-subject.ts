import { Injectable } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import { Database, type Sql } from '@countersign/persistence';
import { namesOf, redact } from '@countersign/redaction';
import { Problem, type Call } from '@countersign/service-kit';

/** Entries that are looked at for what somebody has been called. */
const entriesAtEachEnd = 200;

/** Whom an erasure or a hold is about: any ref of a user, or the id of somebody who has been deleted. */
@Injectable()
export class FindSubject {
  constructor(
    private readonly database: Database,
    private readonly people: People,
  ) {}

  /** The user id. Throws Problem unknown_reference. */
  async find(call: Call, ref: string): Promise<string> {
    const id = await this.people.idOf(call, ref);
    // Of somebody who has left the directory knows nothing; the log may.
    if (id && (await this.database.read(call.workspaceId, (sql) => isKnown(sql, call.workspaceId, id))))
      return id;
    throw new Problem('unknown_reference', 'The subject is not known.', {
      errors: [
        {
          pointer: '/subject',
          message: 'Names nobody, or more than one person, whom the directory or the log knows.',
        },
      ],
    });
  }

  /** A text without what the subject is called: it may stay when they are erased. */
  async clean(call: Call, subject: string, text: string): Promise<string> {
    const known = await this.database.read(call.workspaceId, (sql) =>
      knownNames(sql, call.workspaceId, subject),
    );
    return redact(text, { subject, isRequester: false, names: namesOf(known, subject) });
  }
}

const isKnown = async (sql: Sql, workspaceId: string, id: string): Promise<boolean> => {
  const rows = await sql.query(
    `SELECT 1 WHERE EXISTS (SELECT FROM person WHERE workspace_id = $1 AND id = $2)
                 OR EXISTS (SELECT FROM sealed WHERE workspace_id = $1 AND subject = $2)`,
    [workspaceId, id],
  );
  return rows.length > 0;
};

const knownNames = async (sql: Sql, workspaceId: string, subject: string): Promise<unknown[]> => {
  const rows = await sql.query<{ person: unknown }>(
    `SELECT person FROM person WHERE workspace_id = $1 AND id = $2 AND person IS NOT NULL
     UNION ALL
     SELECT data FROM (
       (SELECT kind, data FROM sealed WHERE workspace_id = $1 AND subject = $2 ORDER BY index LIMIT ${entriesAtEachEnd})
       UNION ALL
       (SELECT kind, data FROM sealed WHERE workspace_id = $1 AND subject = $2 ORDER BY index DESC LIMIT ${entriesAtEachEnd})) s
      WHERE kind = 'person' AND data IS NOT NULL`,
    [workspaceId, subject],
  );
  return rows.map(({ person }) => ({ userName: '', ...(person as object), id: subject }));
};
