// @ts-check
import { mistakesIn, readText, readYaml, schemaAt } from './read-yaml.mjs';
import { UsageError } from './usage-error.mjs';

/**
 * @typedef {object} Person
 * @property {string} userName
 * @property {string} [displayName]
 * @property {string} [externalId]
 * @property {boolean} [active]
 * @property {string} [manager] userName
 * @property {string} [department]
 * @property {string} [region]
 * @property {number} [approvalLimit]
 * @property {string[]} [groups]
 * @property {string[]} [roles]
 * @property {{ from: string, to: string, delegate?: string }} [outOfOffice]
 */

const isOrganisation = schemaAt('./organisation.schema.json');

/**
 * @param {string} file
 * @returns {Person[]} managers before those whom they manage
 * @throws UsageError
 */
export function readOrganisation(file) {
  const value = readYaml(file, readText(file));
  const people = /** @type {{ people?: { userName?: unknown }[] } | null} */ (value)?.people;
  const mistakes = mistakesIn(isOrganisation, value, ([list, index, ...rest]) => {
    if (list === undefined || index === undefined) return `${file}${list === undefined ? '' : `, ${list}`}`;
    const one = Array.isArray(people) ? people[Number(index)]?.userName : undefined;
    const name = typeof one === 'string' ? one : `person ${Number(index) + 1}`;
    return `${file}, ${name}${rest.length > 0 ? `, ${rest.join('/')}` : ''}`;
  });
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return managersFirst(file, /** @type {{ people: Person[] }} */ (value).people);
}

/** @param {string} file @param {Person[]} people @returns {Person[]} */
function managersFirst(file, people) {
  const byName = /** @type {Map<string, Person>} */ (new Map());
  for (const person of people) {
    const name = person.userName.toLowerCase();
    if (byName.has(name)) throw new UsageError(`${file}, ${person.userName}: is there twice`);
    byName.set(name, person);
  }
  const ordered = /** @type {Set<Person>} */ (new Set());
  for (const person of people) {
    const line = /** @type {Set<Person>} */ (new Set());
    for (let next = /** @type {Person | undefined} */ (person); next && !ordered.has(next);) {
      if (line.has(next)) throw new UsageError(`${file}, ${next.userName}, manager: goes round in a circle`);
      line.add(next);
      if (next.manager === undefined) break;
      const manager = byName.get(next.manager.toLowerCase());
      if (!manager)
        throw new UsageError(`${file}, ${next.userName}, manager: ${next.manager} is not among the people`);
      next = manager;
    }
    for (const one of [...line].reverse()) ordered.add(one);
  }
  return [...ordered];
}
