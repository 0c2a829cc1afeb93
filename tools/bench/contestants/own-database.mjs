// @ts-check
import pg from 'pg';

/**
 * A database for one contestant on the server that all share, so that its commits can be told from the others'.
 *
 * @param {string} serverUrl of any database there, with rights to create one
 * @param {string} name
 * @returns {Promise<string>} its URL
 */
export async function ownDatabase(serverUrl, name) {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
