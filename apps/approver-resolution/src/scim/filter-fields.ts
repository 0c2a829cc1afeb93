import { attributeNamed, type Attribute, type Schema } from './attribute';
import { groupSchema, groupUrn } from './group.schema';
import { invalid } from './scim-problem';
import { countersignUrn, enterpriseUrn, userExtensions, userSchema, userUrn } from './user.schema';

/**
 * What a filter may look at, as SQL over a row `t` of users or groups. The texts are made of the names in our schemas and
 * of nothing that a client sent.
 * - `text`: compared without regard to case; `exact`: with; `key`: in lower case already
 * - `list`: rows with sub-attributes of their own, the preferred one first by `order`; a path without one means `value`
 */
export type Field =
  { kind: 'text' | 'exact' | 'key' | 'boolean' | 'uuid' | 'decimal' | 'dateTime'; sql: string } | ListField;

export interface ListField {
  kind: 'list';
  rows: string;
  order: string;
  sub: (name: string) => Field | null;
  /**
   * A statement that finds, by an index, the ids of all resources that have a value equal to the one of this SQL text, and
   * maybe more.
   */
  holders?: (value: string) => string;
}

/** The field of an attribute path; throws Problem invalidFilter when there is none that could be searched. */
export type Fields = (path: string) => Field;

const kindOf = ({ type, caseExact }: Attribute) => {
  switch (type) {
    case 'boolean':
    case 'decimal':
    case 'dateTime':
      return type;
    case 'reference':
    case 'binary':
      return 'exact' as const;
    case 'string':
    case 'complex':
      return caseExact ? ('exact' as const) : ('text' as const);
  }
};

const casts = {
  boolean: '::boolean',
  decimal: '::numeric',
  dateTime: '::timestamptz',
  text: '',
  exact: '',
} as const;

const member = (object: string, attribute: Attribute): Field => {
  const kind = kindOf(attribute);
  return { kind, sql: `(${object}->>'${attribute.name}')${casts[kind]}` };
};

/** `user_email` keeps as much of an address as an index takes. */
const holdersOfEmail = (value: string): string =>
  `SELECT m.user_id FROM user_email m WHERE m.email_key = left(lower(${value}), 256)`;

const holdersOfGroup = (value: string): string =>
  `WITH RECURSIVE within (id) AS (
     SELECT ${value}::uuid
     UNION
     SELECT n.member_id FROM within w
      CROSS JOIN LATERAL (SELECT k.member_id FROM group_nesting k WHERE k.group_id = w.id OFFSET 0) n
   )
   SELECT m.user_id FROM within w
    CROSS JOIN LATERAL (SELECT k.user_id FROM membership k WHERE k.group_id = w.id OFFSET 0) m`;

const holdersOfMember = (value: string): string =>
  `SELECT m.group_id FROM membership m WHERE m.user_id = ${value}::uuid
   UNION ALL SELECT n.group_id FROM group_nesting n WHERE n.member_id = ${value}::uuid`;

/** An attribute inside the JSON of a resource. */
const jsonField = (attributes: readonly Attribute[], object: string, path: string): Field | null => {
  const [name = '', subName, ...rest] = path.split('.');
  const attribute = attributeNamed(attributes, name);
  if (!attribute || rest.length > 0) return null;
  const { subAttributes } = attribute;
  if (!subAttributes) return subName === undefined ? member(object, attribute) : null;
  if (attribute.multiValued) {
    const list: Field = {
      kind: 'list',
      rows: `json_array_elements(${object}->'${attribute.name}') WITH ORDINALITY AS e (item, n)`,
      // What is no boolean sorts with what is not there.
      order: `(e.item->>'primary' = 'true') DESC NULLS LAST, e.n`,
      sub: (sub) => jsonField(subAttributes, 'e.item', sub),
      ...(object === 't.resource' && attribute.name === 'emails' ? { holders: holdersOfEmail } : {}),
    };
    return subName === undefined ? list : subOf(list, subName);
  }
  return subName === undefined ? null : jsonField(subAttributes, `(${object}->'${attribute.name}')`, subName);
};

/** One sub-attribute of any row of a list. */
const subOf = (list: ListField, name: string): Field | null => {
  const field = list.sub(name);
  if (!field) return null;
  const { holders, ...rest } = list;
  return {
    ...rest,
    ...(holders && name.toLowerCase() === 'value' ? { holders } : {}),
    sub: (asked) => (asked === 'value' ? field : null),
  };
};

const idList = (
  rows: string,
  columns: Record<string, Field>,
  holders: (value: string) => string,
): ListField => ({
  kind: 'list',
  rows,
  holders,
  order: 'e.id',
  sub: (name) => columns[name.toLowerCase()] ?? null,
});

const meta = (resourceType: 'User' | 'Group'): Record<string, Field> => ({
  id: { kind: 'uuid', sql: 't.id' },
  externalid: { kind: 'exact', sql: 't.external_id' },
  'meta.resourcetype': { kind: 'exact', sql: `'${resourceType}'::text` },
  'meta.created': { kind: 'dateTime', sql: 't.created_at' },
  'meta.lastmodified': { kind: 'dateTime', sql: 't.changed_at' },
  'meta.version': { kind: 'exact', sql: `('W/"' || t.version || '"')` },
});

/** `schemas` of a resource: one row for each URN that its view names. */
const schemasField = (rows: string): Field => ({
  kind: 'list',
  rows: `(${rows}) AS e (id)`,
  order: 'e.id',
  sub: (name) => (name === 'value' ? { kind: 'key', sql: 'lower(e.id)' } : null),
});

const groupsOfUser = idList(
  `(WITH RECURSIVE around (id, type) AS (
      SELECT m.group_id, 'direct' FROM membership m WHERE m.user_id = t.id
      UNION
      SELECT n.group_id, 'indirect' FROM around a
       CROSS JOIN LATERAL (SELECT k.group_id FROM group_nesting k WHERE k.member_id = a.id OFFSET 0) n
    )
    SELECT g.id, g.display_name, min(a.type) AS type FROM around a JOIN group_ g ON g.id = a.id
     GROUP BY g.id, g.display_name) AS e`,
  {
    value: { kind: 'uuid', sql: 'e.id' },
    display: { kind: 'text', sql: 'e.display_name' },
    type: { kind: 'text', sql: 'e.type' },
  },
  holdersOfGroup,
);
export const membersOfGroup = idList(
  `(SELECT m.user_id AS id, u.display_name, 'User' AS type
      FROM membership m JOIN user_ u ON u.id = m.user_id WHERE m.group_id = t.id
     UNION ALL
    SELECT n.member_id, g.display_name, 'Group'
      FROM group_nesting n JOIN group_ g ON g.id = n.member_id WHERE n.group_id = t.id) AS e`,
  {
    value: { kind: 'uuid', sql: 'e.id' },
    display: { kind: 'text', sql: 'e.display_name' },
    type: { kind: 'text', sql: 'e.type' },
  },
  holdersOfMember,
);

const listWithSub = (name: string, list: ListField): Record<string, Field> =>
  Object.fromEntries([
    [name, list],
    ...['value', 'display', 'type'].flatMap((sub) => {
      const field = subOf(list, sub);
      return field ? [[`${name}.${sub}`, field] as const] : [];
    }),
  ]);

const manager: Field = { kind: 'uuid', sql: 't.manager_id' };
const userColumns: Record<string, Field> = {
  ...meta('User'),
  schemas: schemasField(
    `SELECT '${userUrn}'
     UNION ALL SELECT '${enterpriseUrn}' WHERE t.manager_id IS NOT NULL OR t.resource->'${enterpriseUrn}' IS NOT NULL
     UNION ALL SELECT '${countersignUrn}' WHERE t.resource->'${countersignUrn}' IS NOT NULL`,
  ),
  username: { kind: 'key', sql: 't.user_name_key' },
  displayname: { kind: 'text', sql: 't.display_name' },
  active: { kind: 'boolean', sql: 't.active' },
  ...listWithSub('groups', groupsOfUser),
  [`${enterpriseUrn}:manager`.toLowerCase()]: manager,
  [`${enterpriseUrn}:manager.value`.toLowerCase()]: manager,
  [`${countersignUrn}:approvalLimit`.toLowerCase()]: { kind: 'decimal', sql: 't.approval_limit' },
};
const groupColumns: Record<string, Field> = {
  ...meta('Group'),
  schemas: schemasField(`SELECT '${groupUrn}'`),
  displayname: { kind: 'key', sql: 't.display_name_key' },
  ...listWithSub('members', membersOfGroup),
};

type Lookup = (path: string) => Field | null;

const lookupOf =
  (columns: Record<string, Field>, schema: Schema, extensions: readonly Schema[]): Lookup =>
  (path) => {
    const full = path.toLowerCase();
    const core = `${schema.id.toLowerCase()}:`;
    const name = full.startsWith(core) ? full.slice(core.length) : full;
    const extension = extensions.find(({ id }) => name.startsWith(`${id.toLowerCase()}:`));
    return (
      (Object.hasOwn(columns, name) ? columns[name] : undefined) ??
      (extension
        ? jsonField(
            extension.attributes,
            `(t.resource->'${extension.id}')`,
            name.slice(extension.id.length + 1),
          )
        : jsonField(schema.attributes, 't.resource', name))
    );
  };

const strict =
  (lookup: Lookup): Fields =>
  (path) => {
    const field = lookup(path);
    if (!field) throw invalid('invalidFilter', `${path.slice(0, 100)} cannot be used in a filter.`);
    return field;
  };

const user = lookupOf(userColumns, userSchema, userExtensions);
/** Groups keep nothing beyond their columns. */
const group = lookupOf(groupColumns, { ...groupSchema, attributes: [] }, []);

export const userFields = strict(user);
export const groupFields = strict(group);

/**
 * The fields of one type in a search over all types: an attribute that only the other type has is one without a value
 * (RFC 7644 §3.4.2.1).
 */
const among = (own: Lookup, other: Lookup): Fields =>
  strict((path) => own(path) ?? (other(path) ? { kind: 'text', sql: 'NULL::text' } : null));

export const anyUserFields = among(user, group);
export const anyGroupFields = among(group, user);
