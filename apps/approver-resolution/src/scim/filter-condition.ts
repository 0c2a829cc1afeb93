import { isUuid } from '@countersign/contracts';
import type { Field, Fields } from './filter-fields';
import { parseFilter, type Comparison, type Filter, type FilterValue as Value } from './parse-filter';
import { invalid } from './scim-problem';

/** A filter as an SQL condition over `t`; its values are `($2)[n]`, the condition itself holds none. */
export interface FilterCondition {
  condition: string;
  parameters: string[];
}

type Operator = Comparison | 'pr';

/**
 * Translates a filter of RFC 7644 §3.4.2.2; numbers its values after those that are there already. Throws Problem
 * invalidFilter for what it cannot serve, rather than serving something else.
 */
export const filterCondition = (
  filter: string | Filter,
  fields: Fields,
  parameters: readonly string[] = [],
): FilterCondition => {
  const builder = new ConditionBuilder(fields, [...parameters]);
  const condition = builder.build(typeof filter === 'string' ? parseFilter(filter) : filter);
  return { condition, parameters: builder.parameters };
};

class ConditionBuilder {
  constructor(
    private readonly fields: Fields,
    readonly parameters: string[],
  ) {}

  build(filter: Filter, fields: Fields = this.fields): string {
    switch (filter.kind) {
      case 'and':
      case 'or':
        return `(${filter.parts.map((part) => this.build(part, fields)).join(` ${filter.kind} `)})`;
      case 'not':
        return `(${this.build(filter.part, fields)}) IS NOT TRUE`;
      case 'values': {
        const list = fields(filter.path);
        if (list.kind !== 'list') throw invalid('invalidFilter', `${filter.path} has no values to filter.`);
        const inner = this.build(filter.inner, (path) => subField(list, path));
        const wanted = wantedValue(filter.inner);
        return this.among(list, wanted, `EXISTS (SELECT 1 FROM ${list.rows} WHERE ${inner})`);
      }
      case 'present':
        return this.compare(fields(filter.path), 'pr', null, filter.path);
      case 'compare':
        return this.compare(fields(filter.path), filter.comparison, filter.value, filter.path);
    }
  }

  private compare(field: Field, op: Operator, value: Value, path: string): string {
    if (field.kind === 'list') {
      const inner = op === 'pr' ? 'true' : this.compare(subField(field, 'value'), op, value, path);
      const wanted = op === 'eq' ? value : null;
      return this.among(field, wanted, `EXISTS (SELECT 1 FROM ${field.rows} WHERE ${inner})`);
    }
    if (op === 'pr') return `coalesce(${field.sql}::text, '') <> ''`;
    if (value === null) {
      if (op === 'eq') return `${field.sql} IS NULL`;
      if (op === 'ne') return `${field.sql} IS NOT NULL`;
      throw unfit(path, op);
    }
    switch (field.kind) {
      case 'text':
      case 'exact':
      case 'key':
        return this.compareText(field.kind, field.sql, op, value, path);
      case 'uuid':
        return this.compareId(field.sql, op, value, path);
      case 'boolean': {
        const truth = booleanOf(value);
        if (truth === null || (op !== 'eq' && op !== 'ne')) throw unfit(path, op);
        return `${field.sql} ${equality[op]} ${this.parameter(String(truth))}::boolean`;
      }
      case 'decimal':
        if (typeof value !== 'number' || !isOrder(op)) throw unfit(path, op);
        return `${field.sql} ${order[op]} ${this.parameter(String(value))}::numeric`;
      case 'dateTime': {
        const time = typeof value === 'string' && isoTime.test(value) ? new Date(value) : null;
        if (!time || Number.isNaN(time.getTime()) || !isOrder(op)) throw unfit(path, op);
        // What we show has milliseconds.
        return `date_trunc('milliseconds', ${field.sql}) ${order[op]} ${this.parameter(time.toISOString())}::timestamptz`;
      }
    }
  }

  /**
   * The condition, looked at only for those whom an index finds to have the value: it means the same with and without.
   * An array that is made beforehand makes the planner take the index of the ids, whatever it expects.
   */
  private among(list: Field & { kind: 'list' }, wanted: Value, condition: string): string {
    const isFit = typeof wanted === 'string' && (subField(list, 'value').kind !== 'uuid' || isUuid(wanted));
    if (!list.holders || !isFit) return condition;
    return `(t.id = ANY (ARRAY(${list.holders(this.parameter(wanted))})) AND ${condition})`;
  }

  private compareText(
    kind: 'text' | 'exact' | 'key',
    sql: string,
    op: Operator,
    value: Value,
    path: string,
  ): string {
    if (typeof value !== 'string') throw unfit(path, op);
    const text = kind === 'key' ? value.toLowerCase() : value;
    if (op === 'eq' || op === 'ne') {
      const parameter = this.parameter(text);
      return kind === 'text'
        ? `lower(${sql}) ${equality[op]} lower(${parameter})`
        : `${sql} ${equality[op]} ${parameter}`;
    }
    if (isOrder(op)) {
      // Lexicographical, the same whatever the locale of the database.
      return kind === 'text'
        ? `lower(${sql}) COLLATE "C" ${order[op]} lower(${this.parameter(text)}) COLLATE "C"`
        : `${sql} COLLATE "C" ${order[op]} ${this.parameter(text)} COLLATE "C"`;
    }
    const like = kind === 'text' ? 'ILIKE' : 'LIKE';
    const pattern = text.replace(/[\\%_]/g, '\\$&');
    if (op === 'co') return `${sql} ${like} ${this.parameter(`%${pattern}%`)}`;
    if (op === 'sw') return `${sql} ${like} ${this.parameter(`${pattern}%`)}`;
    if (op === 'ew') return `${sql} ${like} ${this.parameter(`%${pattern}`)}`;
    throw unfit(path, op);
  }

  private compareId(sql: string, op: Operator, value: Value, path: string): string {
    if (op !== 'eq' && op !== 'ne') return this.compareText('key', `${sql}::text`, op, value, path);
    if (typeof value !== 'string') throw unfit(path, op);
    // What is no UUID is nobody's id.
    if (!isUuid(value)) return op === 'eq' ? 'false' : 'true';
    return `${sql} ${equality[op]} ${this.parameter(value)}::uuid`;
  }

  private parameter(value: string): string {
    this.parameters.push(value);
    return `($2)[${this.parameters.length}]`;
  }
}

/** What `value` must be equal to in every value that fits; null when it may be anything. */
const wantedValue = (filter: Filter): Value => {
  if (filter.kind === 'and') return filter.parts.map(wantedValue).find((value) => value !== null) ?? null;
  const isValue = filter.kind === 'compare' && filter.path.toLowerCase() === 'value';
  return isValue && filter.comparison === 'eq' ? filter.value : null;
};

/** Some clients write booleans as text: Entra ID's own mappings have `primary eq "True"`. */
export const booleanOf = (value: unknown): boolean | null => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' || !/^(true|false)$/i.test(value)) return null;
  return value.toLowerCase() === 'true';
};

export const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

const equality = { eq: '=', ne: 'IS DISTINCT FROM' } as const;
const order = { ...equality, gt: '>', ge: '>=', lt: '<', le: '<=' } as const;
const isOrder = (op: Operator): op is keyof typeof order => Object.hasOwn(order, op);

const subField = (list: Field & { kind: 'list' }, path: string): Field => {
  const field = list.sub(path);
  if (!field || field.kind === 'list')
    throw invalid('invalidFilter', `${path.slice(0, 100)} cannot be used in a filter.`);
  return field;
};

const unfit = (path: string, op: Operator) =>
  invalid('invalidFilter', `${path.slice(0, 100)} cannot be compared with ${op} like that.`);
