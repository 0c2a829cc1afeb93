import { Controller, Get, Inject, Query } from '@nestjs/common';
import {
  Call,
  Caller,
  CONFIG,
  Operation,
  PathId,
  Problem,
  scimBodyLimit,
  type Answer,
  type ServiceConfig,
} from '@countersign/service-kit';
import type { Attribute, Schema } from './attribute';
import { groupSchema } from './group.schema';
import { mostResults, type QueryParameters } from './list-query';
import { mostBulkOperations } from './read-bulk';
import { listOf, scimOk } from './scim-answer';
import { listDocument, resourceDocument } from './scim-document';
import { countersignSchema, enterpriseSchema, userSchema } from './user.schema';

const schemas = [userSchema, groupSchema, enterpriseSchema, countersignSchema];

/** RFC 7643 §7. */
const attributeView = (attribute: Attribute): Record<string, unknown> => {
  const { mutability, required, multiValued, caseExact, uniqueness, subAttributes, referenceTypes } =
    attribute;
  const isText = ['string', 'reference', 'binary'].includes(attribute.type);
  return {
    name: attribute.name,
    type: attribute.type,
    multiValued: multiValued ?? false,
    description: attribute.description,
    required: required ?? false,
    ...(isText ? { caseExact: caseExact ?? attribute.type !== 'string' } : {}),
    mutability: mutability ?? 'readWrite',
    returned: 'default',
    uniqueness: uniqueness ?? 'none',
    ...(referenceTypes ? { referenceTypes } : {}),
    ...(subAttributes
      ? {
          subAttributes: subAttributes.map((sub) =>
            attributeView(mutability === 'readOnly' ? { ...sub, mutability } : sub),
          ),
        }
      : {}),
  };
};

/** What it says is for everybody: a filter on it is refused (RFC 7644 §4). */
const refuseFilter = ({ filter }: QueryParameters): void => {
  if (filter !== undefined) throw new Problem('insufficient_scope', 'Nothing here can be filtered.');
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
  async serviceProviderConfig(@Query() query: QueryParameters): Promise<Answer> {
    refuseFilter(query);
    return scimOk({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: mostBulkOperations, maxPayloadSize: scimBodyLimit },
      filter: { supported: true, maxResults: mostResults },
      changePassword: { supported: false },
      sort: { supported: true },
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
  async resourceTypes(@Query() query: QueryParameters): Promise<Answer> {
    refuseFilter(query);
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
  async list(@Query() query: QueryParameters): Promise<Answer> {
    refuseFilter(query);
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
