import { isUuid } from '@countersign/contracts';
import { parse, type Filter } from 'scim2-parse-filter';
import type { Field, Fields } from './filter-fields';
import { invalid } from './scim-problem';

/** A filter as an SQL condition over `t`; its values are `($2)[n]`, the condition itself holds none. */
export interface FilterCondition {
  condition: string;
  parameters: string[];
}

/** Limits of a filter: characters, comparisons, depth. PostgreSQL's own parser has a stack too. */
const longest = 4_000;
const mostComparisons = 50;
const deepest = 20;

type Operator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le' | 'pr';
type Value = string | number | boolean | null;

/**
 * Translates a filter of RFC 7644 §3.4.2.2. Throws Problem invalidFilter for what it cannot serve, rather than
 * serving something else.
 */
export const filterCondition = (text: string, fields: Fields): FilterCondition => {
  const builder = new ConditionBuilder(fields);
  const condition = builder.build(parsed(text), 0);
  return { condition, parameters: builder.parameters };
};

const parsed = (text: string): Filter => {
  if (text.length > longest)
    throw invalid('invalidFilter', `A filter may have at most ${longest} characters.`);
  // The parser backtracks without end over line breaks inside a string; no filter needs a control character.
  if (/\p{Cc}/u.test(text)) throw invalid('invalidFilter', 'A filter must not contain control characters.');
  if (/\]\s*\./.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ''))) {
    throw invalid(
      'invalidFilter',
      'A sub-attribute after a value filter is not supported: put it inside the brackets.',
    );
  }
  try {
    return parse(text);
  } catch {
    throw invalid('invalidFilter', 'This is not a filter of RFC 7644 §3.4.2.2.');
  }
};

class ConditionBuilder {
  readonly parameters: string[] = [];
  private comparisons = 0;

  constructor(private readonly fields: Fields) {}

  build(filter: Filter, depth: number, fields: Fields = this.fields): string {
    if (depth > deepest) throw invalid('invalidFilter', 'The filter is nested too deeply.');
    switch (filter.op) {
      case 'and':
      case 'or':
        return `(${filter.filters.map((part) => this.build(part, depth + 1, fields)).join(` ${filter.op} `)})`;
      case 'not':
        return `(${this.build(filter.filter, depth + 1, fields)}) IS NOT TRUE`;
      case '[]': {
        const list = fields(filter.attrPath);
        if (list.kind !== 'list')
          throw invalid('invalidFilter', `${filter.attrPath} has no values to filter.`);
        const inner = this.build(filter.valFilter, depth + 1, (path) => subField(list, path));
        return `EXISTS (SELECT 1 FROM ${list.rows} WHERE ${inner})`;
      }
      case 'pr':
        return this.compare(fields(filter.attrPath), 'pr', null, filter.attrPath);
      case 'eq':
      case 'ne':
      case 'co':
      case 'sw':
      case 'ew':
      case 'gt':
      case 'ge':
      case 'lt':
      case 'le':
        return this.compare(fields(filter.attrPath), filter.op, filter.compValue, filter.attrPath);
    }
  }

  private compare(field: Field, op: Operator, value: Value, path: string): string {
    if (++this.comparisons > mostComparisons) {
      throw invalid('invalidFilter', `A filter may have at most ${mostComparisons} comparisons.`);
    }
    if (field.kind === 'list') {
      const inner = op === 'pr' ? 'true' : this.compare(subField(field, 'value'), op, value, path);
      return `EXISTS (SELECT 1 FROM ${field.rows} WHERE ${inner})`;
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
      case 'boolean':
        if (typeof value !== 'boolean' || (op !== 'eq' && op !== 'ne')) throw unfit(path, op);
        return `${field.sql} ${equality[op]} ${this.parameter(String(value))}::boolean`;
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
    const like = kind === 'text' ? 'ILIKE' : 'LIKE';
    const pattern = text.replace(/[\\%_]/g, '\\$&');
    if (op === 'co') return `${sql} ${like} ${this.parameter(`%${pattern}%`)}`;
    if (op === 'sw') return `${sql} ${like} ${this.parameter(`${pattern}%`)}`;
    if (op === 'ew') return `${sql} ${like} ${this.parameter(`%${pattern}`)}`;
    throw unfit(path, op);
  }

  private compareId(sql: string, op: Operator, value: Value, path: string): string {
    if (typeof value !== 'string' || (op !== 'eq' && op !== 'ne')) throw unfit(path, op);
    // What is no UUID is nobody's id.
    if (!isUuid(value)) return op === 'eq' ? 'false' : 'true';
    return `${sql} ${equality[op]} ${this.parameter(value)}::uuid`;
  }

  private parameter(value: string): string {
    this.parameters.push(value);
    return `($2)[${this.parameters.length}]`;
  }
}

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

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
