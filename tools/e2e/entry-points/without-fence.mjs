// @ts-check
import { replaceModule, runMain, service } from './run-with.mjs';

/** @typedef {import('@countersign/persistence').TransactionSql} Sql */

/**
 * The same statements without one of their conditions. Throws when a statement never had it: a control that takes
 * nothing away would show nothing.
 *
 * @param {Sql} sql
 * @param {string} condition
 * @param {RegExp} statement the one that must have it
 * @returns {Sql}
 */
function withoutCondition(sql, condition, statement) {
  const without = (/** @type {string} */ text) => {
    if (statement.test(text) && !text.includes(condition)) throw new Error(`no ${condition} in ${text}`);
    return text.replace(condition, '');
  };
  return {
    ...sql,
    query: (text, values) => sql.query(without(text), values),
    write: (text, values) => sql.write(without(text), values),
  };
}

/** Routing reads a request without locking it, and writes it whatever version it is at by then. */
if (service === 'routing') {
  replaceModule('./apps/routing/dist/requests/request.rows.js', ({ lockRequests, writeRequests }) => ({
    lockRequests: (/** @type {Sql} */ sql, /** @type {unknown} */ ids) =>
      lockRequests(withoutCondition(sql, ' FOR UPDATE', /SELECT/), ids),
    writeRequests: (/** @type {Sql} */ sql, /** @type {unknown} */ changes) =>
      writeRequests(withoutCondition(sql, ' AND r.version = c.from_version', /UPDATE/), changes),
  }));
}
runMain();
