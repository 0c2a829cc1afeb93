// @ts-check
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Writes the OpenAPI document of the whole API from the built services: `npm run openapi`. With `--check` it only
 * compares, and fails when the file is not what the code says.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(path.join(root, 'package.json'));
const file = path.join(root, 'apps', 'gateway', 'openapi.json');

require('reflect-metadata');
const { NestFactory } = require('@nestjs/core');
const { DocumentBuilder, SwaggerModule } = require('@nestjs/swagger');

const services = ['gateway', 'intake', 'approver-resolution', 'notification', 'audit'];
const methods = /** @type {const} */ (['get', 'post', 'put', 'patch', 'delete']);

/** @param {string} name @param {string} description */
const header = (name, description) => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});
const actor = header(
  'Countersign-Actor',
  'The person that the call is made for: id, externalId or userName. Needs the scope act-as.',
);
const idempotencyKey = header('Idempotency-Key', 'Makes a repeated call have its effect once, for 24 hours.');
const ifMatch = header(
  'If-Match',
  'The ETag of the object as last seen; another version is answered with 412.',
);

const builder = new DocumentBuilder()
  .setOpenAPIVersion('3.1.0')
  .setTitle('Countersign')
  .setVersion('1')
  .setDescription(
    'Approvals for enterprises. Errors are RFC 9457 problem+json (SCIM errors below /scim/v2). Lists take limit and cursor and answer data and nextCursor.',
  )
  .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
  .addBearerAuth(
    { type: 'http', scheme: 'bearer', description: 'An API key, cs_live_… or cs_test_….' },
    'bearer',
  )
  .addBasicAuth(
    { type: 'http', scheme: 'basic', description: 'The API key as password; any user name.' },
    'basic',
  )
  .addSecurityRequirements('bearer')
  .addSecurityRequirements('basic')
  .build();

/** What a running service provides to every module; nothing is ever made with it in a preview. */
const kit = require('@countersign/service-kit');
const surroundings = [
  kit.CONFIG,
  kit.LOG,
  kit.UNIT_OF_WORK,
  kit.SWEEPER,
  kit.Idempotency,
  require('@countersign/persistence').Database,
  require('@countersign/messaging').Messaging,
  require('@countersign/secret-box').SecretBox,
  require('prom-client').Registry,
];
const preview = {
  module: class Surroundings {},
  global: true,
  providers: surroundings.map((provide) => ({ provide, useValue: {} })),
  exports: surroundings,
};

/** @type {Record<string, any>} */
const paths = {};
for (const service of services) {
  const { AppModule } = require(path.join(root, 'apps', service, 'dist', 'app.module.js'));
  const app = await NestFactory.create(
    { module: class Root {}, imports: [preview, AppModule] },
    { preview: true, logger: false, abortOnError: false },
  );
  const document = SwaggerModule.createDocument(app, builder, {
    operationIdFactory: (/** @type {string} */ controller, /** @type {string} */ method) =>
      `${controller.replace(/Controller$/, '')}.${method}`,
  });
  for (const [route, item] of Object.entries(document.paths)) {
    paths[route] = { ...paths[route], ...describe(route, item) };
  }
}

/** @param {string} route @param {any} item */
function describe(route, item) {
  const tag = /^\/(?:v1|scim\/v2|dev)\/([^/.]+)/.exec(route)?.[1] ?? 'other';
  for (const method of methods) {
    const operation = item[method];
    if (!operation) continue;
    operation.tags = [tag];
    const headers = [
      ...(operation.security?.length === 0 ? [] : [actor]),
      ...(method === 'post' ? [idempotencyKey] : []),
      ...(method === 'get' ? [] : [ifMatch]),
    ];
    operation.parameters = [...(operation.parameters ?? []), ...headers];
  }
  return item;
}

const text = { type: 'string' };
const document = {
  ...builder,
  paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
  components: {
    securitySchemes: builder.components?.securitySchemes,
    schemas: {
      Problem: {
        type: 'object',
        description: 'RFC 9457',
        required: ['type', 'title', 'status', 'detail', 'code', 'traceId'],
        properties: {
          type: text,
          title: text,
          status: { type: 'integer' },
          detail: text,
          code: { type: 'string', enum: Object.keys(require('@countersign/contracts').problems).sort() },
          traceId: { type: ['string', 'null'] },
          errors: {
            type: 'array',
            items: {
              type: 'object',
              required: ['pointer', 'message'],
              properties: {
                pointer: { ...text, description: 'JSON pointer from the root of the body' },
                message: text,
              },
            },
          },
        },
      },
      ...referencedSchemas(JSON.stringify(paths)),
    },
  },
};

/**
 * Schemas of the classes that bodies refer to, and those that these refer to.
 *
 * @param {string} json
 */
function referencedSchemas(json) {
  const { validationMetadatasToSchemas } = require('class-validator-jsonschema');
  const { defaultMetadataStorage } = require('class-transformer/cjs/storage.js');
  const all = validationMetadatasToSchemas({
    classTransformerMetadataStorage: defaultMetadataStorage,
    refPointerPrefix: '#/components/schemas/',
  });
  /** @type {Record<string, unknown>} */
  const wanted = {};
  const collect = (/** @type {string} */ within) => {
    for (const [, name] of within.matchAll(/#\/components\/schemas\/(\w+)/g)) {
      if (!name || name === 'Problem' || wanted[name]) continue;
      wanted[name] = all[name] ?? { type: 'object' };
      collect(JSON.stringify(wanted[name]));
    }
  };
  collect(json);
  return wanted;
}

const output = `${JSON.stringify(document, null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(file, output);
  console.log(`${Object.keys(document.paths).length} paths`);
} else if (readFileSync(file, 'utf8') !== output) {
  console.error('apps/gateway/openapi.json is not what the code says: run `npm run openapi` and commit it');
  process.exit(1);
}
process.exit(0);
