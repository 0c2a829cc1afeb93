import type { Attribute, Schema } from './attribute';

export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const countersignUrn = 'urn:countersign:scim:schemas:1.0:User';

/** What is indexed must fit into an index row. */
export const keyLength = 256;

const text = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  description,
  ...more,
});

const list = (
  name: string,
  description: string,
  { value = {}, more = [] }: { value?: Partial<Attribute>; more?: readonly Attribute[] } = {},
): Attribute => ({
  name,
  type: 'complex',
  multiValued: true,
  description,
  subAttributes: [
    text('value', 'The value itself.', value),
    text('display', 'How the value is shown.'),
    text('type', 'What the value is for, such as work or home.'),
    { name: 'primary', type: 'boolean', description: 'Whether this is the preferred value.' },
    ...more,
  ],
});

/** RFC 7643 §4.1, as far as it is kept here. */
export const userSchema: Schema = {
  id: userUrn,
  name: 'User',
  description: 'A person',
  attributes: [
    text('userName', 'Name of the person in this workspace; unique without regard to case.', {
      required: true,
      uniqueness: 'server',
      maxLength: keyLength,
    }),
    {
      name: 'name',
      type: 'complex',
      description: 'The parts of the real name.',
      subAttributes: [
        text('formatted', 'The whole name.'),
        text('familyName', 'Family name.'),
        text('givenName', 'Given name.'),
        text('middleName', 'Middle names.'),
        text('honorificPrefix', 'Title before the name.'),
        text('honorificSuffix', 'Suffix after the name.'),
      ],
    },
    text('displayName', 'How the person is shown; made from name or userName when absent.', {
      maxLength: keyLength,
    }),
    text('nickName', 'Casual name.'),
    {
      name: 'profileUrl',
      type: 'reference',
      referenceTypes: ['external'],
      description: 'Page about the person.',
    },
    text('title', 'Position, such as Vice President.'),
    text('userType', 'Relation to the organisation, such as Employee.'),
    text('preferredLanguage', 'Preferred languages, as in Accept-Language.'),
    text('locale', 'Locale for dates and numbers.'),
    text('timezone', 'Time zone (IANA).'),
    { name: 'active', type: 'boolean', description: 'Whether the person may be given tasks; default true.' },
    list('emails', 'Mail addresses; the primary one, else the first, is written to.'),
    list('phoneNumbers', 'Telephone numbers.'),
    list('ims', 'Addresses for instant messages.'),
    list('photos', 'Addresses of pictures.', { value: { type: 'reference', referenceTypes: ['external'] } }),
    {
      name: 'addresses',
      type: 'complex',
      multiValued: true,
      description: 'Postal addresses.',
      subAttributes: [
        text('formatted', 'The whole address.'),
        text('streetAddress', 'Street, house number, box.'),
        text('locality', 'City.'),
        text('region', 'State or region.'),
        text('postalCode', 'Postal code.'),
        text('country', 'Country, as in ISO 3166-1 alpha-2.'),
        text('type', 'What the address is for, such as work or home.'),
        { name: 'primary', type: 'boolean', description: 'Whether this is the preferred address.' },
      ],
    },
    {
      ...list('groups', 'Groups that the person is a member of.', {
        more: [
          {
            name: '$ref',
            type: 'reference',
            referenceTypes: ['Group'],
            description: 'Address of the group.',
          },
        ],
      }),
      mutability: 'readOnly',
    },
    list('entitlements', 'Entitlements.'),
    list('roles', 'Roles; stages may ask everybody who has one, by its value without regard to case.', {
      value: { maxLength: keyLength },
    }),
    list('x509Certificates', 'Certificates, DER in base64.', {
      value: { type: 'binary', maxLength: 16_384 },
    }),
  ],
};

/** RFC 7643 §4.3. */
export const enterpriseSchema: Schema = {
  id: enterpriseUrn,
  name: 'EnterpriseUser',
  description: 'A person in an organisation',
  attributes: [
    text('employeeNumber', 'Number of the person in the organisation.'),
    text('costCenter', 'Cost center.'),
    text('organization', 'Organisation.'),
    text('division', 'Division.'),
    text('department', 'Department.', { maxLength: keyLength }),
    {
      name: 'manager',
      type: 'complex',
      description: 'Line manager, by id, externalId or userName.',
      subAttributes: [
        text('value', 'Id of the manager.', { maxLength: keyLength }),
        {
          name: '$ref',
          type: 'reference',
          referenceTypes: ['User'],
          mutability: 'readOnly',
          description: 'Address of the manager.',
        },
        text('displayName', 'Name of the manager.', { mutability: 'readOnly' }),
      ],
    },
  ],
};

export const countersignSchema: Schema = {
  id: countersignUrn,
  name: 'CountersignUser',
  description: 'A person who approves',
  attributes: [
    {
      name: 'approvalLimit',
      type: 'decimal',
      description: 'The largest amount that the person may approve alone.',
    },
    text('region', 'Region.', { maxLength: keyLength }),
    {
      name: 'outOfOffice',
      type: 'complex',
      description: 'An absence.',
      subAttributes: [
        { name: 'from', type: 'dateTime', description: 'Begin of the absence.' },
        { name: 'to', type: 'dateTime', description: 'End of the absence.' },
        text('delegate', 'Who stands in: id, externalId or userName.', { maxLength: keyLength }),
      ],
    },
  ],
};

export const userExtensions = [enterpriseSchema, countersignSchema] as const;
