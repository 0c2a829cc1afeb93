import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who stands in for whom and when: by a delegation of its own, or while somebody is out of office. */
export class Delegations1763750000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE delegation (
        workspace_id uuid NOT NULL,
        id uuid NOT NULL,
        from_id uuid NOT NULL,
        to_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        workflows text[],
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (id),
        CHECK (from_id <> to_id),
        CHECK (ends_at > starts_at),
        CONSTRAINT delegator_is_user FOREIGN KEY (workspace_id, from_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE,
        CONSTRAINT delegate_is_user FOREIGN KEY (workspace_id, to_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE
      )`);
    await runner.query('CREATE INDEX delegation_from ON delegation (from_id, ends_at)');
    await runner.query('CREATE INDEX delegation_to ON delegation (to_id, ends_at)');
    await runner.query('CREATE INDEX delegation_workspace ON delegation (workspace_id, id)');
    await runner.query(`
      CREATE TABLE absence (
        workspace_id uuid NOT NULL,
        user_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        delegate text,
        delegate_key text,
        PRIMARY KEY (user_id),
        FOREIGN KEY (workspace_id, user_id) REFERENCES user_ (workspace_id, id) ON DELETE CASCADE
      )`);
    await runner.query('CREATE INDEX absence_delegate ON absence (delegate)');
    await runner.query('CREATE INDEX absence_delegate_key ON absence (delegate_key)');
    // When routing has to be told that somebody's delegations are others than before. `source_id` is the delegation, or the
    // user whose absence it is; null once that is gone.
    await runner.query(`
      CREATE TABLE delegation_moment (
        workspace_id uuid NOT NULL,
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        source_id uuid,
        person_id uuid NOT NULL,
        due_at timestamptz NOT NULL,
        PRIMARY KEY (id)
      )`);
    await runner.query('CREATE INDEX delegation_moment_due ON delegation_moment (due_at)');
    await runner.query('CREATE INDEX delegation_moment_source ON delegation_moment (source_id)');
    for (const table of ['delegation', 'absence', 'delegation_moment']) {
      await isolateByWorkspace(runner, table);
    }
    await openToRelay(
      runner,
      'delegation_moment',
      'SELECT, UPDATE (due_at)',
      roleOf('approver_resolution', 'relay'),
    );
    for (const text of [
      telling,
      expecting,
      ending,
      momentsOfDelegation,
      momentsOfAbsence,
      absences,
      departures,
    ]) {
      await runner.query(text);
    }
    for (const table of ['delegation', 'absence']) {
      await runner.query(`
        CREATE TRIGGER moments_of_${table} AFTER INSERT OR DELETE ON ${table}
          FOR EACH ROW EXECUTE FUNCTION moments_of_${table}()`);
    }
    await runner.query(`
      CREATE TRIGGER absence_of_user AFTER INSERT OR UPDATE OF resource ON user_
        FOR EACH ROW EXECUTE FUNCTION keep_absence()`);
    await runner.query(`
      CREATE TRIGGER departure_of_delegate BEFORE DELETE ON user_
        FOR EACH ROW EXECUTE FUNCTION tell_of_departure()`);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}

/**
 * Each moment is told of twice: an answer about approvers that was given just before may still be on its way to the
 * request, and would not be found the first time.
 */
const telling = `
  CREATE FUNCTION tell_of_person (workspace uuid, source uuid, person uuid, moments timestamptz[])
  RETURNS void LANGUAGE sql SECURITY INVOKER AS $$
    INSERT INTO delegation_moment (workspace_id, source_id, person_id, due_at)
    SELECT workspace, source, person, greatest(at, now()) + again
      FROM unnest(moments) AS moment (at), unnest(ARRAY[interval '0', interval '30 s']) AS repeated (again)
     WHERE isfinite(greatest(at, now()))
  $$`;

const expecting = `
  CREATE FUNCTION expect_moments (workspace uuid, source uuid, person uuid, starts timestamptz, ends timestamptz)
  RETURNS void LANGUAGE sql SECURITY INVOKER AS $$
    SELECT tell_of_person(workspace, source, person, ARRAY[starts, ends]) WHERE ends > now()
  $$`;

/** What is to be told soon is told: it may be of an end that has come already. */
const ending = `
  CREATE FUNCTION end_moments (workspace uuid, source uuid, person uuid, starts timestamptz, ends timestamptz)
  RETURNS void LANGUAGE sql SECURITY INVOKER AS $$
    DELETE FROM delegation_moment WHERE source_id = source AND due_at > now() + interval '30 s';
    SELECT tell_of_person(workspace, NULL, person, ARRAY[now()]) WHERE starts <= now() AND ends > now()
  $$`;

/** A delegation goes by itself, or with one of its two people. */
const momentsOf = (
  table: 'delegation' | 'absence',
  { source, person }: { source: string; person: string },
) => `
  CREATE FUNCTION moments_of_${table} () RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      PERFORM expect_moments(NEW.workspace_id, NEW.${source}, NEW.${person}, NEW.starts_at, NEW.ends_at);
    ELSE
      PERFORM end_moments(OLD.workspace_id, OLD.${source}, OLD.${person}, OLD.starts_at, OLD.ends_at);
    END IF;
    RETURN NULL;
  END $$`;

const momentsOfDelegation = momentsOf('delegation', { source: 'id', person: 'from_id' });
const momentsOfAbsence = momentsOf('absence', { source: 'user_id', person: 'user_id' });

/** Absences name their delegates in words: whose tasks somebody who is deleted passed on is told while they are known. */
const departures = `
  CREATE FUNCTION tell_of_departure () RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
  BEGIN
    PERFORM tell_of_person(away.workspace_id, NULL, away.user_id, ARRAY[now()])
       FROM absence away
      WHERE (away.delegate IN (OLD.id::text, OLD.external_id) OR away.delegate_key = OLD.user_name_key)
        AND (away.workspace_id = OLD.workspace_id) IS TRUE AND away.starts_at <= now() AND away.ends_at > now();
    RETURN OLD;
  END $$`;

/**
 * The \`outOfOffice\` of a user, wherever the directory is written. Of what is no time the absence has none: without a
 * beginning it has begun, without an end it lasts. Runs as whoever changes the user: row-level security holds.
 */
const absences = `
  CREATE FUNCTION keep_absence () RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
  DECLARE
    given json := NEW.resource -> 'urn:countersign:scim:schemas:1.0:User' -> 'outOfOffice';
    starts timestamptz;
    ends timestamptz;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF given IS NULL THEN RETURN NULL; END IF;
    ELSIF given::text IS NOT DISTINCT FROM
          (OLD.resource -> 'urn:countersign:scim:schemas:1.0:User' -> 'outOfOffice')::text THEN
      RETURN NULL;
    END IF;
    DELETE FROM absence WHERE user_id = NEW.id;
    IF given IS NULL OR json_typeof(given) <> 'object' THEN RETURN NULL; END IF;
    BEGIN
      starts := coalesce((given ->> 'from')::timestamptz, '-infinity');
      ends := coalesce((given ->> 'to')::timestamptz, 'infinity');
    EXCEPTION WHEN data_exception THEN
      RETURN NULL;
    END;
    IF ends > starts THEN
      INSERT INTO absence (workspace_id, user_id, starts_at, ends_at, delegate, delegate_key)
      VALUES (NEW.workspace_id, NEW.id, starts, ends, given ->> 'delegate', lower(given ->> 'delegate'));
    END IF;
    RETURN NULL;
  END $$`;
