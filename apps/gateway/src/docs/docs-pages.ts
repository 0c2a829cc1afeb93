import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Injectable } from '@nestjs/common';

type Page = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Nothing comes from elsewhere, nothing runs that is not a file of ours; Swagger UI's icons are data: URLs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Countersign API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <main id="api"></main>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });
`;

const swaggerUi = path.dirname(require.resolve('swagger-ui-dist/package.json'));

/** The generated document lies beside the sources: `npm run openapi` writes it. */
const documentFile = path.join(__dirname, '..', '..', 'openapi.json');

/** The API's documentation: the OpenAPI document and a page to read it, all from files of this installation. */
@Injectable()
export class DocsPages {
  private readonly pages: Map<string, Page>;

  constructor() {
    const file = (name: string, mediaType: string): [string, Page] => [
      `/docs/${name}`,
      page(mediaType, readFileSync(path.join(swaggerUi, name))),
    ];
    const index = page('text/html; charset=utf-8', html);
    this.pages = new Map([
      ['/docs', index],
      ['/docs/', index],
      ['/docs/start.js', page('text/javascript; charset=utf-8', start)],
      file('swagger-ui.css', 'text/css; charset=utf-8'),
      file('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
      file('favicon-32x32.png', 'image/png'),
    ]);
    if (existsSync(documentFile))
      this.pages.set('/v1/openapi.json', page('application/json; charset=utf-8', readFileSync(documentFile)));
  }

  /** The page at a path, if there is one. */
  find(pathname: string): Page | undefined {
    return this.pages.get(pathname);
  }
}

const page = (mediaType: string, content: string | Buffer): Page => {
  const bytes = Buffer.from(content);
  const headers = {
    'content-type': mediaType,
    'content-length': bytes.length,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  };
  return async (request, response) =>
    void response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : bytes);
};
