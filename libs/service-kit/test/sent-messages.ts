import type { Envelope, JobData, JobType } from '@countersign/contracts';

type Query = (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>;

/** What a service sends, with the queues that it goes to. */
export type SentMessage<K extends JobType> = Envelope<JobData<K>> & { queues: string[] };

/**
 * Keeps a copy of everything that a service sends: what it sends to itself is settled, and forgotten, before a test may look.
 * @param query as the owner of the service's tables
 */
export const keepSent = async (query: Query): Promise<void> => {
  // In a schema of its own: it is not one of the service's tables.
  await query('CREATE SCHEMA kept');
  await query('CREATE TABLE kept.sent (LIKE outbox_message)');
  await query('CREATE TABLE kept.sent_to (LIKE outbox_destination)');
  for (const [from, to] of [
    ['outbox_message', 'sent'],
    ['outbox_destination', 'sent_to'],
  ]) {
    // The service's role may not write here: the copy is made by the owner.
    await query(`
      CREATE FUNCTION kept.keep_${to}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      $$ BEGIN INSERT INTO kept.${to} SELECT * FROM added; RETURN NULL; END $$`);
    await query(`
      CREATE TRIGGER keep_${to} AFTER INSERT ON ${from} REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION kept.keep_${to}()`);
  }
};

/** Everything of a type that the service has ever sent, oldest first. */
export const sentMessages = async <K extends JobType>(query: Query, type: K): Promise<SentMessage<K>[]> => {
  const { rows } = await query(
    `SELECT envelope, ARRAY (SELECT queue FROM kept.sent_to WHERE message_id = id ORDER BY queue) AS queues
       FROM kept.sent WHERE envelope ->> 'type' = $1 ORDER BY id`,
    [type],
  );
  return (rows as { envelope: Envelope<JobData<K>>; queues: string[] }[]).map(({ envelope, queues }) => ({
    ...envelope,
    queues,
  }));
};
