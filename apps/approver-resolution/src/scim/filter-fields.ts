import { attributeNamed, type Attribute, type Schema } from './attribute';
import { groupSchema } from './group.schema';
import { invalid } from './scim-problem';
import { countersignUrn, enterpriseUrn, userExtensions, userSchema } from './user.schema';

/**
 * What a filter may look at, as SQL over a row `t` of users or groups. The texts are made of the names in our schemas and
 * of nothing that a client sent.
 * - `text`: compared without regard to case; `exact`: with; `key`: a column that is in lower case already
 * - `list`: rows with sub-attributes of their own; a path without one means `value`
 */
export type Field =
  | { kind: 'text' | 'exact' | 'key' | 'boolean' | 'uuid' | 'decimal' | 'dateTime'; sql: string }
  | { kind: 'list'; rows: string; sub: (name: string) => Field | null };

/** The field of an attribute path; throws Problem invalidFilter when there is none that could be searched. */
export type Fields = (path: string) => Field;

const kindOf = ({ type, caseExact }: Attribute) => {
  switch (type) {
    case 'boolean':
    case 'decimal':
    case 'dateTime':
      return type;
    case 'reference':
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
      rows: `json_array_elements(${object}->'${attribute.name}') AS e (item)`,
      sub: (sub) => jsonField(subAttributes, 'e.item', sub),
    };
    return subName === undefined ? list : subOf(list, subName);
  }
  return subName === undefined ? null : jsonField(subAttributes, `(${object}->'${attribute.name}')`, subName);
};

/** One sub-attribute of any row of a list. */
const subOf = (list: Field & { kind: 'list' }, name: string): Field | null => {
  const field = list.sub(name);
  return field && { ...list, sub: (asked) => (asked === 'value' ? field : null) };
};

const idList = (rows: string, columns: Record<string, Field>): Field & { kind: 'list' } => ({
  kind: 'list',
  rows,
  sub: (name) => columns[name.toLowerCase()] ?? null,
});

const meta: Record<string, Field> = {
  id: { kind: 'uuid', sql: 't.id' },
  externalid: { kind: 'exact', sql: 't.external_id' },
  'meta.created': { kind: 'dateTime', sql: 't.created_at' },
  'meta.lastmodified': { kind: 'dateTime', sql: 't.changed_at' },
};

const groupsOfUser = idList(
  '(SELECT g.id, g.display_name FROM membership m JOIN group_ g ON g.id = m.group_id WHERE m.user_id = t.id) AS e',
  { value: { kind: 'uuid', sql: 'e.id' }, display: { kind: 'text', sql: 'e.display_name' } },
);
const membersOfGroup = idList('(SELECT m.user_id FROM membership m WHERE m.group_id = t.id) AS e', {
  value: { kind: 'uuid', sql: 'e.user_id' },
});

const listWithSub = (name: string, list: Field & { kind: 'list' }): Record<string, Field> =>
  Object.fromEntries([
    [name, list],
    ...['value', 'display'].flatMap((sub) => {
      const field = subOf(list, sub);
      return field ? [[`${name}.${sub}`, field] as const] : [];
    }),
  ]);

const manager: Field = { kind: 'uuid', sql: 't.manager_id' };
const userColumns: Record<string, Field> = {
  ...meta,
  username: { kind: 'key', sql: 't.user_name_key' },
  displayname: { kind: 'text', sql: 't.display_name' },
  active: { kind: 'boolean', sql: 't.active' },
  ...listWithSub('groups', groupsOfUser),
  [`${enterpriseUrn}:manager`.toLowerCase()]: manager,
  [`${enterpriseUrn}:manager.value`.toLowerCase()]: manager,
  [`${countersignUrn}:approvalLimit`.toLowerCase()]: { kind: 'decimal', sql: 't.approval_limit' },
};
const groupColumns: Record<string, Field> = {
  ...meta,
  displayname: { kind: 'text', sql: 't.display_name' },
  ...listWithSub('members', membersOfGroup),
};

const fieldsOf =
  (columns: Record<string, Field>, schema: Schema, extensions: readonly Schema[]): Fields =>
  (path) => {
    const full = path.toLowerCase();
    const core = `${schema.id.toLowerCase()}:`;
    const name = full.startsWith(core) ? full.slice(core.length) : full;
    const extension = extensions.find(({ id }) => name.startsWith(`${id.toLowerCase()}:`));
    const field =
      (Object.hasOwn(columns, name) ? columns[name] : undefined) ??
      (extension
        ? jsonField(
            extension.attributes,
            `(t.resource->'${extension.id}')`,
            name.slice(extension.id.length + 1),
          )
        : jsonField(schema.attributes, 't.resource', name));
    if (!field) throw invalid('invalidFilter', `${path.slice(0, 100)} cannot be used in a filter.`);
    return field;
  };

export const userFields = fieldsOf(userColumns, userSchema, userExtensions);
/** Groups keep nothing beyond their columns. */
export const groupFields = fieldsOf(groupColumns, { ...groupSchema, attributes: [] }, []);
