// The servers that the runner has started for this worker (tools/test/run.mjs), or those that somebody names by hand.
const worker = process.env.JEST_WORKER_ID;
process.env.TEST_DATABASE_URL ??= process.env[`TEST_DATABASE_URL_${worker}`];
process.env.TEST_REDIS_URL ??= process.env[`TEST_REDIS_URL_${worker}`];
