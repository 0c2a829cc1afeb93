import type { TransactionSql } from '@countersign/persistence';
import type { RequestAggregate } from '@countersign/workflow';
import type { RequestChange } from './request.rows';

/** Everybody who has an open task in a request, for themselves or by a delegate, or waits for their turn. */
export const askedPeople = (request: RequestAggregate | null): Set<string> =>
  new Set(
    (request?.stages ?? [])
      .filter(({ state }) => state === 'active')
      .flatMap(({ tasks, queue }) => [
        ...tasks
          .filter(({ state }) => state === 'open')
          .flatMap(({ assignee, onBehalfOf }) => [assignee.id, onBehalfOf?.id]),
        ...queue.flatMap(({ person, onBehalfOf }) => [person.id, onBehalfOf?.id]),
      ])
      .filter((id) => id !== undefined),
  );

interface Asked {
  request: RequestAggregate;
  personId: string;
}

/** Who is asked in `request` and not in `other`. */
const onlyIn = (request: RequestAggregate | null, other: RequestAggregate | null): Asked[] => {
  if (!request) return [];
  const others = askedPeople(other);
  return [...askedPeople(request)]
    .filter((personId) => !others.has(personId))
    .map((personId) => ({ request, personId }));
};

/** Keeps who is asked in which request, in one statement and only if that has changed, so that the requests of somebody who leaves are found. */
export const writeAskedPeople = (sql: TransactionSql, changes: readonly RequestChange[]): void => {
  const added = changes.flatMap(({ before, aggregate }) => onlyIn(aggregate, before));
  const removed = changes.flatMap(({ before, aggregate }) => onlyIn(before, aggregate));
  if (added.length === 0 && removed.length === 0) return;
  sql.write(
    `WITH removed AS (
       DELETE FROM asked_person a USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS gone (workspace_id, person_id, request_id)
        WHERE a.workspace_id = gone.workspace_id AND a.person_id = gone.person_id AND a.request_id = gone.request_id
     )
     INSERT INTO asked_person (workspace_id, person_id, request_id)
     SELECT * FROM unnest($4::uuid[], $5::uuid[], $6::uuid[]) ON CONFLICT DO NOTHING`,
    [...columns(removed), ...columns(added)],
  );
};

const columns = (rows: readonly Asked[]): string[][] => [
  rows.map(({ request }) => request.workspaceId),
  rows.map(({ personId }) => personId),
  rows.map(({ request }) => request.id),
];
