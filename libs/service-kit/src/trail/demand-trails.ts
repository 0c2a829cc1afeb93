import { RequestMethod, type INestApplicationContext, type Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { trailMetadata } from './trail-declaration';

const reading: readonly RequestMethod[] = [RequestMethod.GET, RequestMethod.HEAD, RequestMethod.OPTIONS];

/** Routes of these controllers that may change something and do not say what they leave in the log. */
export const routesWithoutTrail = (controllers: readonly Type[]): string[] => {
  const scanner = new MetadataScanner();
  return controllers.flatMap(({ name, prototype }) =>
    scanner
      .getAllMethodNames(prototype as object)
      .filter((method) => {
        const handler = (prototype as Record<string, object>)[method] as object;
        const verb = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
        return (
          verb !== undefined &&
          !reading.includes(verb) &&
          Reflect.getMetadata(trailMetadata, handler) === undefined
        );
      })
      .map((method) => `${name}.${method}`),
  );
};

/** Every change is in the log: a route about which nobody has thought must not be reachable. */
export const demandTrails = (app: INestApplicationContext): void => {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) =>
    [...module.controllers.values()].map(({ metatype }) => metatype as Type),
  );
  const silent = routesWithoutTrail(controllers);
  if (silent.length > 0)
    throw new Error(
      `routes that do not say what they leave in the log (@Operation, trail): ${silent.join(', ')}`,
    );
};
