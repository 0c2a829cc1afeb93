// @ts-check
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchGo } from './go.mjs';

/** `node tools/independent/fetch-go.mjs`: unpacks Go in the cache, for the test that verifies the log with golang.org/x/mod. */
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const { command } = await fetchGo(path.join(root, '.countersign-cache'), console.log);
console.log(command);
