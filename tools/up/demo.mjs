// @ts-check

/**
 * People, a group and a workflow to try things with, made through the public API like anybody else's.
 * What is already there is left alone, so it may run again after it was interrupted.
 *
 * @param {{ url: string, adminKey: string }} system
 */
export async function seedDemo({ url, adminKey }) {
  const call = caller(url, adminKey);
  const bob = await ensureUser(call, { userName: 'bob@example.com', displayName: 'Bob Manager' });
  await ensureUser(call, { userName: 'alice@example.com', displayName: 'Alice Requester', manager: bob });
  const carol = await ensureUser(call, { userName: 'carol@example.com', displayName: 'Carol Finance' });
  const dave = await ensureUser(call, { userName: 'dave@example.com', displayName: 'Dave Finance' });
  await ensureGroup(call, 'finance', [carol, dave]);
  await ensurePurchaseOrder(call);
}

const PURCHASE_ORDER = `key: purchase-order
title: Purchase order
subject:                        # JSON Schema of the payload
  type: object
  required: [amount, department, region]
  properties:
    amount: { type: number, exclusiveMinimum: 0 }
    department: { type: string }
    region: { type: string, enum: [EMEA, AMER, APAC] }
reasonCodes: { reject: [budget, duplicate, policy], approve: [] }
stages:
  - key: manager
    title: Line manager
    approvers: [ { manager: { levels: 1 } } ]
  - key: finance
    title: Finance
    when: payload.amount > 1000
    approvers: [ { group: finance } ]
    quorum: any
`;

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/**
 * `expected`: a status that is an answer too, and no fault.
 *
 * @typedef {(method: string, path: string, body?: unknown, options?: { type?: string, expected?: number }) => Promise<{ status: number, body: any }>} Call
 */

/**
 * @param {string} url
 * @param {string} key
 * @returns {Call}
 */
function caller(url, key) {
  return async (method, path, body, { type = 'application/json', expected } = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    if (!answer.ok && answer.status !== expected) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
    }
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  };
}

/**
 * @param {Call} call
 * @param {{ userName: string, displayName: string, manager?: string }} user
 * @returns {Promise<string>} its id
 */
async function ensureUser(call, { userName, displayName, manager }) {
  const [givenName, familyName] = displayName.split(' ');
  const created = await call(
    'POST',
    '/scim/v2/Users',
    {
      schemas: manager ? [USER, ENTERPRISE] : [USER],
      userName,
      displayName,
      name: { givenName, familyName },
      emails: [{ value: userName, type: 'work', primary: true }],
      active: true,
      ...(manager ? { [ENTERPRISE]: { manager: { value: manager } } } : {}),
    },
    { type: 'application/scim+json', expected: 409 },
  );
  return created.status === 409 ? existing(call, 'Users', `userName eq "${userName}"`) : created.body.id;
}

/**
 * @param {Call} call
 * @param {string} displayName
 * @param {string[]} members
 */
async function ensureGroup(call, displayName, members) {
  const group = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) };
  const filter = encodeURIComponent(`displayName eq "${displayName}"`);
  const found = await call('GET', `/scim/v2/Groups?filter=${filter}`);
  if (!found.body?.totalResults)
    await call('POST', '/scim/v2/Groups', group, { type: 'application/scim+json' });
}

/**
 * @param {Call} call
 * @param {string} kind
 * @param {string} filter
 * @returns {Promise<string>}
 */
async function existing(call, kind, filter) {
  const found = await call('GET', `/scim/v2/${kind}?filter=${encodeURIComponent(filter)}`);
  const id = found.body?.Resources?.[0]?.id;
  if (!id) throw new Error(`${kind} has no ${filter}, but refuses to create it`);
  return id;
}

/** @param {Call} call */
async function ensurePurchaseOrder(call) {
  const found = await call('GET', '/v1/workflows/purchase-order', undefined, { expected: 404 });
  if (found.status === 200) return;
  const draft = await call('POST', '/v1/workflows', PURCHASE_ORDER, { type: 'application/yaml' });
  await call('POST', `/v1/workflows/purchase-order/versions/${draft.body.version}/publish`, { note: 'Demo' });
}
