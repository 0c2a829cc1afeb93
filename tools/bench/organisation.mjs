// @ts-check

const scim = 'urn:ietf:params:scim';
const enterprise = `${scim}:schemas:extension:enterprise:2.0:User`;
const countersign = 'urn:countersign:scim:schemas:1.0:User';

/** The first so many users are a single line of managers, the longest there is. */
const chain = 100;
/** The share of groups that hold groups. */
const nestedShare = 0.1;

/** Somebody who is there before, and not out of office. @param {number} n */
const standIn = (n) => {
  const above = Math.floor(n / 100);
  return above % 10 === 0 ? above + 1 : above;
};

/**
 * An organisation as a provider would send it: everybody has a manager, whose line goes up to 100 levels; a tenth is out
 * of office and says who stands in; groups of ten, groups of such groups, and a group of those; a few roles.
 *
 * @param {number} userCount
 * @param {number} groupCount
 */
export function organisation(userCount, groupCount) {
  const now = Date.now();
  const time = (/** @type {number} */ days) => new Date(now + days * 86_400_000).toISOString();
  const plainGroups = Math.ceil(groupCount * (1 - nestedShare));
  const name = (/** @type {number} */ n) => `person-${n}@example.com`;

  return {
    name,
    chain: Math.min(chain, userCount),
    plainGroups,

    /** @param {number} n */
    user(n) {
      const roles = [
        ...(n % 500 === 1 ? [{ value: 'controller' }] : []),
        ...(n % 10_000 === 2 ? [{ value: 'auditor' }] : []),
      ];
      return {
        schemas: [`${scim}:schemas:core:2.0:User`, enterprise, countersign],
        userName: name(n),
        externalId: `ext-${n}`,
        name: { givenName: 'Person', familyName: `Family ${n % 20_000}` },
        displayName: `Person ${n}`,
        emails: [{ value: name(n), type: 'work', primary: true }],
        active: true,
        ...(roles.length > 0 ? { roles } : {}),
        [enterprise]: {
          department: `Department ${n % 200}`,
          ...(n > 0 ? { manager: { value: name(n < chain ? n - 1 : Math.floor(n / 100)) } } : {}),
        },
        [countersign]: {
          // The line's lowest may approve 1,000, and everybody above them 1,000 more.
          ...(n < chain ? { approvalLimit: (chain - n) * 1_000 } : {}),
          ...(n % 10 === 0 && n > 0
            ? { outOfOffice: { from: time(-1), to: time(10), delegate: name(standIn(n)) } }
            : {}),
        },
      };
    },

    /** Groups of ten people, then groups of ten of those, and at last one of nine of these: only what is there already is named. @param {number} n */
    group(n) {
      const above = n - plainGroups;
      const groups = (/** @type {number} */ count, /** @type {number} */ from, /** @type {number} */ among) =>
        Array.from({ length: count }, (_, m) => ({ value: `Group ${(from + m) % among}`, type: 'Group' }));
      const members =
        n === groupCount - 1
          ? groups(9, plainGroups, n)
          : above >= 0
            ? groups(10, above * 10, plainGroups)
            : Array.from({ length: 10 }, (_, m) => ({ value: `ext-${(n * 10 + m) % userCount}` }));
      return { schemas: [`${scim}:schemas:core:2.0:Group`], displayName: `Group ${n}`, members };
    },

    /** Holds groups of groups. */
    groupOfGroups: groupCount - 1,

    /** Delegations, each to somebody who is out of office: chains of two. */
    delegations: Array.from({ length: Math.floor(userCount / 200) }, (_, n) => ({
      from: name(n * 200 + 7),
      to: name(Math.min(userCount - 1, n * 200 + 10)),
      startsAt: time(-1),
      endsAt: time(20),
    })),
  };
}
