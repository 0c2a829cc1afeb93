// @ts-check
import { replaceModule, runMain, service } from './run-with.mjs';

/** @typedef {import('@countersign/persistence').Sql} Sql */

/**
 * The same statements without one of their conditions. Throws when a statement never had it: a control that takes
 * nothing away would show nothing.
 *
 * @param {Sql} sql
 * @param {string} condition
 * @param {RegExp} statement the one that must have it
 * @returns {Sql}
 */
function without(sql, condition, statement) {
  return {
    ...sql,
    query: (text, values) => {
      if (statement.test(text) && !text.includes(condition)) throw new Error(`no ${condition} in ${text}`);
      return sql.query(text.replace(condition, ''), values);
    },
  };
}

/** Routing reads a request without locking it, and writes it whatever version it is at by then. */
if (service === 'routing') {
  replaceModule('./apps/routing/dist/requests/request.rows.js', ({ lockRequests, writeRequests }) => ({
    lockRequests: (/** @type {Sql} */ sql, /** @type {unknown} */ ids) =>
      lockRequests(without(sql, ' FOR UPDATE', /SELECT/), ids),
    writeRequests: (/** @type {Sql} */ sql, /** @type {unknown} */ changes) =>
      writeRequests(without(sql, ' AND r.version = c.from_version', /UPDATE/), changes),
  }));
}
runMain();
