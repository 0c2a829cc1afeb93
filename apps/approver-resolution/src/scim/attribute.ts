/** An attribute of a SCIM schema in the words of RFC 7643 §7; `maxLength` is our own limit, in characters. */
export interface Attribute {
  name: string;
  type: 'string' | 'boolean' | 'decimal' | 'dateTime' | 'reference' | 'binary' | 'complex';
  description: string;
  multiValued?: true;
  required?: true;
  caseExact?: true;
  mutability?: 'readOnly' | 'immutable';
  uniqueness?: 'server';
  referenceTypes?: string[];
  maxLength?: number;
  maxItems?: number;
  subAttributes?: readonly Attribute[];
}

export interface Schema {
  id: string;
  name: string;
  description: string;
  attributes: readonly Attribute[];
}

/** An attribute by its name, which has no case (RFC 7643 §2.1). */
export const attributeNamed = (attributes: readonly Attribute[], name: string): Attribute | undefined => {
  const key = name.toLowerCase();
  return attributes.find((attribute) => attribute.name.toLowerCase() === key);
};
