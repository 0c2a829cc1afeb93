import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestListener } from 'node:http';
import { FrontDoor } from './front-door';

/** Puts the front door before Nest and Express, so that a call for another service costs neither. */
export const openFrontDoor = (app: NestExpressApplication): void => {
  const door = app.get(FrontDoor);
  const server = app.getHttpServer();
  const inner = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) =>
    door.open(request, response, () => inner.forEach((listener) => listener(request, response))),
  );
};
