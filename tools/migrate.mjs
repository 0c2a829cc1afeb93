// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Brings the schema and the role of every service up to date. DATABASE_URL is the owner's; the services
 * themselves never get it. Safe to run again, and while services run.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(path.join(root, 'package.json'));

const ownerUrl = required('DATABASE_URL');
const secretKey = required('COUNTERSIGN_SECRET_KEY');

require('reflect-metadata');
const { migrate } = require('@countersign/persistence');
/** @type {Record<string, string>} by the app's folder */
const schemaOf = require('@countersign/contracts').schemaOf;

for (const service of readdirSync(path.join(root, 'apps')).sort()) {
  const index = path.join(root, 'apps', service, 'dist', 'migrations', 'index.js');
  if (!existsSync(index)) continue;
  const { migrations, appendOnly } = require(index);
  await migrate({ ownerUrl, secretKey, schema: schemaOf[service] ?? service, migrations, appendOnly });
}

/** @param {string} name */
function required(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set`);
  process.exit(1);
}
