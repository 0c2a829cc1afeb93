import { attributeNamed, type Attribute, type Schema } from './attribute';
import { groupSchema } from './group.schema';
import { userExtensions, userSchema } from './user.schema';

/** The attributes that every resource has (RFC 7643 §3.1); no schema lists them. */
const commonAttributes: readonly Attribute[] = [
  { name: 'id', type: 'string', caseExact: true, mutability: 'readOnly', description: 'Our id.' },
  {
    name: 'externalId',
    type: 'string',
    caseExact: true,
    maxLength: 256,
    description: 'Id of the resource at the client.',
  },
  { name: 'schemas', type: 'reference', multiValued: true, mutability: 'readOnly', description: 'Schemas.' },
  { name: 'meta', type: 'complex', mutability: 'readOnly', description: 'Data about the resource.' },
];

/** The schemas of a resource type, for looking up attributes by path. */
export interface ResourceSchema {
  core: Schema;
  extensions: readonly Schema[];
}

export const userResource: ResourceSchema = { core: userSchema, extensions: userExtensions };
export const groupResource: ResourceSchema = { core: groupSchema, extensions: [] };

/** An attribute path without filters (RFC 7644 §3.10), found in the schemas. */
export interface FoundAttribute {
  /** URN of the extension that it is in; null for the core schema. */
  extension: string | null;
  /** Null where the path names the extension as a whole. */
  attribute: Attribute | null;
  sub: Attribute | null;
}

/** Names have no case (RFC 7643 §2.1). Null when the schemas know no such attribute. */
export const findAttribute = (path: string, { core, extensions }: ResourceSchema): FoundAttribute | null => {
  const key = path.toLowerCase();
  const starts = (urn: string) => key === urn.toLowerCase() || key.startsWith(`${urn.toLowerCase()}:`);
  const extension = extensions.find(({ id }) => starts(id));
  if (extension) {
    const rest = path.slice(extension.id.length + 1);
    if (rest === '') return { extension: extension.id, attribute: null, sub: null };
    return inside(rest, extension.attributes, extension.id);
  }
  const rest = starts(core.id) ? path.slice(core.id.length + 1) : path;
  return inside(rest, [...core.attributes, ...commonAttributes], null);
};

const inside = (
  path: string,
  attributes: readonly Attribute[],
  extension: string | null,
): FoundAttribute | null => {
  const [name = '', subName, ...rest] = path.split('.');
  const attribute = attributeNamed(attributes, name);
  if (!attribute || rest.length > 0) return null;
  if (subName === undefined) return { extension, attribute, sub: null };
  const sub = attributeNamed(attribute.subAttributes ?? [], subName);
  return sub ? { extension, attribute, sub } : null;
};
