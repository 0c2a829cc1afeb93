// @ts-check
import { isDeepStrictEqual } from 'node:util';
import { problemOf } from './api.mjs';
import { atMost } from './at-most.mjs';
import { UsageError } from './usage-error.mjs';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const COUNTERSIGN = 'urn:countersign:scim:schemas:1.0:User';
const SCIM = 'application/scim+json';
const AT_ONCE = 4;

/** @typedef {import('./read-organisation.mjs').Person} Person */
/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {Record<string, any>} Resource */

/**
 * Makes people and groups what a file says, by SCIM. What is so already is left alone; of what is there, attributes that
 * the file has no word for stay. Groups get exactly the members that the file gives them.
 *
 * @param {Api} api
 * @param {Person[]} people managers first
 * @param {{ live: boolean }} options whether a live workspace may be changed
 * @returns {Promise<{ users: number, groups: number }>} how many were created or changed
 * @throws UsageError
 */
export async function provision(api, people, { live }) {
  const { workspace } = expectOk(await api('GET', '/v1/whoami'), 'whoami');
  if (workspace.kind === 'live' && !live) {
    throw new UsageError(
      `the workspace ${workspace.name} is live, and --organisation would change its people: use a key of a sandbox workspace, or say --live`,
    );
  }
  const ids = /** @type {Map<string, string>} */ (new Map());
  const idOf = (/** @type {string} */ userName) => ids.get(userName.toLowerCase());
  const changedUsers = /** @type {Set<string>} */ (new Set());
  // Level by level: whoever has a manager waits until the manager has an id.
  for (let left = people; left.length > 0;) {
    const ready = left.filter(({ manager }) => manager === undefined || idOf(manager) !== undefined);
    left = left.filter((person) => !ready.includes(person));
    await atMost(AT_ONCE, ready, async (person) => {
      const { id, changed } = await ensureUser(api, person, person.manager && idOf(person.manager), false);
      ids.set(person.userName.toLowerCase(), id);
      if (changed) changedUsers.add(id);
    });
  }
  // A delegate may be anybody, also somebody who is made after those they stand in for.
  await atMost(AT_ONCE, people.filter(hasDelegate), async (person) => {
    const { id, changed } = await ensureUser(api, person, person.manager && idOf(person.manager), true);
    if (changed) changedUsers.add(id);
  });
  const names = [...new Set(people.flatMap(({ groups = [] }) => groups))];
  const changed = await atMost(AT_ONCE, names, (name) => {
    const members = people.filter(({ groups = [] }) => groups.includes(name));
    return ensureGroup(
      api,
      name,
      members.map(({ userName }) => idOf(userName) ?? ''),
    );
  });
  return { users: changedUsers.size, groups: changed.filter(Boolean).length };
}

/**
 * @param {Api} api
 * @param {Person} person
 * @param {string | undefined} managerId
 * @param {boolean} knowsDelegate otherwise who has one is made without their absence, and left alone when they are there
 */
async function ensureUser(api, person, managerId, knowsDelegate) {
  const found = await find(api, 'Users', `userName eq ${JSON.stringify(person.userName)}`);
  const waits = hasDelegate(person) && !knowsDelegate;
  if (found && waits) return { id: String(found.id), changed: false };
  const wanted = userOf(waits ? { ...person, outOfOffice: undefined } : person, managerId, found);
  if (!found) {
    const made = expectOk(await api('POST', '/scim/v2/Users', wanted, SCIM), person.userName);
    return { id: String(made.id), changed: true };
  }
  const changed = !isDeepStrictEqual(essence(found), essence(wanted));
  if (changed) expectOk(await api('PUT', `/scim/v2/Users/${found.id}`, wanted, SCIM), person.userName);
  return { id: String(found.id), changed };
}

/** @param {Person} person */
const hasDelegate = ({ outOfOffice }) => outOfOffice?.delegate !== undefined;

/** @param {Person} person @param {string | undefined} managerId @param {Resource | null} found @returns {Resource} */
function userOf(person, managerId, found) {
  const kept = without(found ?? {}, ['id', 'meta', 'schemas', 'groups', 'externalId']);
  const enterprise = without(kept[ENTERPRISE] ?? {}, ['manager', 'department']);
  const {
    userName,
    externalId,
    active = true,
    roles = [],
    department,
    region,
    approvalLimit,
    outOfOffice,
  } = person;
  const [local = userName] = userName.split('@');
  const displayName = person.displayName ?? local.charAt(0).toUpperCase() + local.slice(1);
  return {
    ...kept,
    schemas: [USER, ENTERPRISE, COUNTERSIGN],
    userName,
    displayName,
    active,
    ...(externalId === undefined ? {} : { externalId }),
    ...(kept.emails || !userName.includes('@')
      ? {}
      : { emails: [{ value: userName, type: 'work', primary: true }] }),
    roles: roles.map((value) => ({ value })),
    [ENTERPRISE]: defined({ ...enterprise, department, manager: managerId && { value: managerId } }),
    [COUNTERSIGN]: defined({ region, approvalLimit, outOfOffice }),
  };
}

/**
 * What the file decides of a user, in a form that can be compared.
 *
 * @param {Resource} user
 */
function essence(user) {
  const { outOfOffice: away, region, approvalLimit } = user[COUNTERSIGN] ?? {};
  const time = (/** @type {string} */ text) => new Date(text).toISOString();
  return {
    displayName: user.displayName,
    active: user.active,
    externalId: user.externalId ?? null,
    roles: (user.roles ?? []).map((/** @type {Resource} */ { value }) => value).sort(),
    department: user[ENTERPRISE]?.department ?? null,
    manager: user[ENTERPRISE]?.manager?.value ?? null,
    region: region ?? null,
    approvalLimit: approvalLimit ?? null,
    outOfOffice: away ? [time(away.from), time(away.to), away.delegate ?? null] : null,
  };
}

/** @param {Resource} object @param {string[]} names @returns {Resource} */
const without = (object, names) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** @param {Resource} object */
const defined = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/**
 * @param {Api} api
 * @param {string} displayName
 * @param {string[]} members ids
 * @returns {Promise<boolean>} whether it was created or changed
 */
async function ensureGroup(api, displayName, members) {
  const found = await find(api, 'Groups', `displayName eq ${JSON.stringify(displayName)}`);
  const group = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) };
  if (!found) {
    expectOk(await api('POST', '/scim/v2/Groups', group, SCIM), displayName);
    return true;
  }
  const present = (found.members ?? []).map((/** @type {Resource} */ { value }) => value);
  if (isDeepStrictEqual(present.sort(), [...members].sort())) return false;
  const { externalId } = found;
  expectOk(await api('PUT', `/scim/v2/Groups/${found.id}`, { ...group, externalId }, SCIM), displayName);
  return true;
}

/** @param {Api} api @param {'Users' | 'Groups'} kind @param {string} filter @returns {Promise<Resource | null>} */
async function find(api, kind, filter) {
  const answer = await api('GET', `/scim/v2/${kind}?filter=${encodeURIComponent(filter)}`);
  return expectOk(answer, filter).Resources?.[0] ?? null;
}

/** @param {import('./api.mjs').Answer} answer @param {string} what @returns {any} */
function expectOk(answer, what) {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw new UsageError(`${what}: ${problemOf(answer)}`);
}
