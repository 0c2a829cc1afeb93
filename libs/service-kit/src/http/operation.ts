import { applyDecorators, createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import {
  ApiBody,
  ApiExcludeEndpoint,
  ApiExtension,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
} from '@nestjs/swagger';
import type { Scope } from '@countersign/contracts';
import type { Request } from 'express';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { trailMetadata, type Trail } from '../trail/trail-declaration';
import type { Call } from './call';

type Schema = Record<string, unknown>;
type Constructor = new () => object;

export interface OperationOptions {
  /** The one scope that the call needs; `any` for every valid key, `none` for what needs no key. */
  scope: Scope | 'any' | 'none';
  summary: string;
  /** What it leaves in the log; a service does not start when a route other than GET says nothing. */
  trail?: Trail;
  body?: Constructor | { mediaTypes: Record<string, Schema> };
  /** The parameters it knows, where it looks at any; `any` where unknown ones are nobody's business (RFC 7644 §3.4.2). */
  query?: Constructor | 'any';
  /** Success answers: status → what it says, and its schema when it has a body. */
  answers: Record<number, { description: string; schema?: Schema; mediaType?: string }>;
}

export const scopeMetadata = 'countersign:scope';

/** Whether the route takes query parameters. */
export const queryMetadata = 'countersign:query';

const refPointerPrefix = '#/components/schemas/';

const keyWords = (scope: OperationOptions['scope']): string =>
  scope === 'none' ? 'No key is needed.' : scope === 'any' ? 'Any key.' : `Scope \`${scope}\`.`;

/** Declares a route once, for the guard that enforces its scope and for the OpenAPI document. */
export const Operation = (options: OperationOptions): MethodDecorator => {
  const decorators: MethodDecorator[] = [
    SetMetadata(scopeMetadata, options.scope),
    SetMetadata(queryMetadata, options.query !== undefined),
    ApiOperation({
      summary: options.summary,
      description: keyWords(options.scope),
      ...(options.scope === 'none' ? { security: [] } : {}),
    }),
  ];
  if (options.trail !== undefined) {
    decorators.push(SetMetadata(trailMetadata, options.trail), ApiExtension('x-trail', options.trail));
  }
  if (typeof options.body === 'function') {
    decorators.push(
      ApiBody({ schema: targetConstructorToSchema(options.body, { refPointerPrefix }) as Schema }),
    );
  } else if (options.body) {
    const content = Object.entries(options.body.mediaTypes).map(([type, schema]) => [type, { schema }]);
    decorators.push(ApiBody({ content: Object.fromEntries(content) } as never));
  }
  if (typeof options.query === 'function') {
    const schema = targetConstructorToSchema(options.query, { refPointerPrefix }) as {
      properties?: Record<string, Schema>;
    };
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      decorators.push(ApiQuery({ name, required: false, schema: property as never }));
    }
  }
  for (const [status, { description, schema, mediaType = 'application/json' }] of Object.entries(
    options.answers,
  )) {
    decorators.push(
      ApiResponse({
        status: Number(status),
        description,
        ...(schema ? { content: { [mediaType]: { schema } } } : {}),
      } as never),
    );
  }
  decorators.push(
    ApiResponse({
      status: 'default',
      description: 'A problem',
      content: { 'application/problem+json': { schema: { $ref: `${refPointerPrefix}Problem` } } },
    } as never),
  );
  return applyDecorators(...decorators);
};

/** A path parameter, for the OpenAPI document. */
export const PathId = (name: string, description: string): MethodDecorator =>
  ApiParam({ name, description, schema: { type: 'string' } });

/** A route for machines of ours only: health, metrics. */
export const Internal = (): MethodDecorator =>
  applyDecorators(SetMetadata(scopeMetadata, 'none'), ApiExcludeEndpoint());

export interface CallRequest extends Request {
  call?: Call;
}

/** The call that a handler answers. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Call => {
  const { call } = context.switchToHttp().getRequest<CallRequest>();
  if (!call) throw new Error('a route without the identity guard');
  return call;
});
