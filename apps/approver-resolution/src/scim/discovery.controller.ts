import { Controller, Get, Inject, Post } from '@nestjs/common';
import {
  Call,
  Caller,
  CONFIG,
  Operation,
  PathId,
  Problem,
  type Answer,
  type ServiceConfig,
} from '@countersign/service-kit';
import type { Attribute, Schema } from './attribute';
import { groupSchema } from './group.schema';
import { mostResults } from './list-query';
import { listOf, scimOk } from './scim-answer';
import { listDocument, resourceBody, resourceDocument } from './scim-document';
import { notImplemented } from './scim-problem';
import { countersignSchema, enterpriseSchema, userSchema } from './user.schema';

const schemas = [userSchema, groupSchema, enterpriseSchema, countersignSchema];

/** RFC 7643 §7. */
const attributeView = (attribute: Attribute): Record<string, unknown> => {
  const { mutability, required, multiValued, caseExact, uniqueness, subAttributes, referenceTypes } =
    attribute;
  const isText = attribute.type === 'string' || attribute.type === 'reference';
  return {
    name: attribute.name,
    type: attribute.type,
    multiValued: multiValued ?? false,
    description: attribute.description,
    required: required ?? false,
    ...(isText ? { caseExact: caseExact ?? attribute.type === 'reference' } : {}),
    mutability: mutability ?? 'readWrite',
    returned: 'default',
    uniqueness: uniqueness ?? 'none',
    ...(referenceTypes ? { referenceTypes } : {}),
    ...(subAttributes ? { subAttributes: subAttributes.map(attributeView) } : {}),
  };
};

/** What this SCIM service can do, for clients to find out (RFC 7644 §4). */
@Controller('scim/v2')
export class DiscoveryController {
  constructor(@Inject(CONFIG) private readonly config: ServiceConfig) {}

  @Get('ServiceProviderConfig')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'What SCIM can do here',
    answers: { 200: resourceDocument('Configuration') },
  })
  async serviceProviderConfig(): Promise<Answer> {
    return scimOk({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: false },
      bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
      filter: { supported: true, maxResults: mostResults },
      changePassword: { supported: false },
      sort: { supported: false },
      etag: { supported: true },
      authenticationSchemes: [
        {
          type: 'oauthbearertoken',
          name: 'API key',
          description: 'An API key as bearer token, with the scope directory:read or directory:write.',
          primary: true,
        },
        { type: 'httpbasic', name: 'HTTP Basic', description: 'An API key as password.' },
      ],
      meta: this.meta('ServiceProviderConfig', 'ServiceProviderConfig'),
    });
  }

  @Get('ResourceTypes')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'The SCIM resource types',
    answers: { 200: listDocument('Resource types') },
  })
  async resourceTypes(): Promise<Answer> {
    const types = this.types();
    return scimOk(listOf(types, types.length, 1));
  }

  @Get('ResourceTypes/:name')
  @PathId('name', 'User or Group')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'One SCIM resource type',
    answers: { 200: resourceDocument('Resource type') },
  })
  async resourceType(@Caller() call: Call): Promise<Answer> {
    const type = this.types().find(({ id }) => id === call.param('name'));
    if (!type) throw Problem.notFound('resource type');
    return scimOk(type);
  }

  @Get('Schemas')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'The SCIM schemas',
    answers: { 200: listDocument('Schemas') },
  })
  async list(): Promise<Answer> {
    const views = schemas.map((schema) => this.schemaView(schema));
    return scimOk(listOf(views, views.length, 1));
  }

  @Get('Schemas/:id')
  @PathId('id', 'URN of the schema')
  @Operation({
    query: 'any',
    scope: 'directory:read',
    summary: 'One SCIM schema',
    answers: { 200: resourceDocument('Schema') },
  })
  async schema(@Caller() call: Call): Promise<Answer> {
    const schema = schemas.find(({ id }) => id.toLowerCase() === call.param('id').toLowerCase());
    if (!schema) throw Problem.notFound('schema');
    return scimOk(this.schemaView(schema));
  }

  @Post('Bulk')
  @Operation({
    query: 'any',
    scope: 'directory:write',
    summary: 'Not supported',
    body: resourceBody,
    answers: {},
  })
  async bulk(): Promise<Answer> {
    throw notImplemented('Bulk');
  }

  private types() {
    return [
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
        id: 'User',
        name: 'User',
        endpoint: '/Users',
        description: userSchema.description,
        schema: userSchema.id,
        schemaExtensions: [enterpriseSchema, countersignSchema].map(({ id }) => ({
          schema: id,
          required: false,
        })),
        meta: this.meta('ResourceType', 'ResourceTypes/User'),
      },
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
        id: 'Group',
        name: 'Group',
        endpoint: '/Groups',
        description: groupSchema.description,
        schema: groupSchema.id,
        meta: this.meta('ResourceType', 'ResourceTypes/Group'),
      },
    ];
  }

  private schemaView({ id, name, description, attributes }: Schema) {
    return {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      id,
      name,
      description,
      attributes: attributes.map(attributeView),
      meta: this.meta('Schema', `Schemas/${id}`),
    };
  }

  private meta(resourceType: string, path: string) {
    return { resourceType, location: `${this.config.publicUrl}/scim/v2/${path}` };
  }
}
