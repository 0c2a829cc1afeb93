import { readExternalId, readResource } from './read-resource';
import { invalid } from './scim-problem';
import { countersignUrn, enterpriseUrn, keyLength, userExtensions, userSchema } from './user.schema';

/** A user as a client wants it to be. */
export interface UserInput {
  externalId: string | null;
  userName: string;
  displayName: string;
  email: string | null;
  active: boolean;
  department: string | null;
  region: string | null;
  approvalLimit: number | null;
  /** Values of the roles. */
  roles: string[];
  /** Id, externalId or userName. */
  managerRef: string | null;
  /** Who stands in while the user is out of office: id, externalId or userName. */
  delegateRef: string | null;
  /** What has no column of its own meaning, under proper names; without the manager, which may get another name. */
  resource: Record<string, unknown>;
}

/** Times in UTC, written alike. */
interface OutOfOffice {
  from?: string;
  to?: string;
  delegate?: string;
}

interface UserResource {
  userName: string;
  displayName?: string;
  name?: { formatted?: string; givenName?: string; familyName?: string };
  active?: boolean;
  emails?: { value?: string; primary?: boolean }[];
  roles?: { value?: string }[];
  [enterpriseUrn]?: { department?: string; manager?: { value?: string } };
  [countersignUrn]?: { region?: string; approvalLimit?: number; outOfOffice?: OutOfOffice };
}

const nameOf = ({ displayName, name, userName }: UserResource): string => {
  const parts = [name?.givenName, name?.familyName].filter((part) => part !== undefined).join(' ');
  return (displayName ?? name?.formatted ?? (parts || userName)).slice(0, keyLength);
};

const mailOf = ({ emails = [] }: UserResource): string | null =>
  (emails.find(({ primary, value }) => primary && value) ?? emails.find(({ value }) => value))?.value ?? null;

/** Without both ends an absence would have begun, or last, for ever. Throws Problem invalidValue. */
const checkAbsence = ({ from, to }: OutOfOffice): void => {
  if (from === undefined || to === undefined)
    throw invalid('invalidValue', 'outOfOffice needs both from and to.');
  if (Date.parse(to) <= Date.parse(from))
    throw invalid('invalidValue', 'outOfOffice.to must be after outOfOffice.from.');
};

/** Reads the body of POST or PUT. An `id` in it is ignored: it is ours to give. */
export const readUser = (body: Record<string, unknown>): UserInput => {
  const read = readResource(body, userSchema, userExtensions) as unknown as UserResource;
  const { manager, ...enterprise } = read[enterpriseUrn] ?? {};
  const countersign = read[countersignUrn];
  if ((countersign?.approvalLimit ?? 0) < 0)
    throw invalid('invalidValue', 'approvalLimit must not be negative.');
  if (countersign?.outOfOffice) checkAbsence(countersign.outOfOffice);
  const resource: Record<string, unknown> = { ...read };
  if (Object.keys(enterprise).length > 0) resource[enterpriseUrn] = enterprise;
  else delete resource[enterpriseUrn];
  return {
    externalId: readExternalId(body),
    userName: read.userName,
    displayName: nameOf(read),
    email: mailOf(read),
    active: read.active ?? true,
    department: enterprise.department ?? null,
    region: countersign?.region ?? null,
    approvalLimit: countersign?.approvalLimit ?? null,
    roles: (read.roles ?? []).flatMap(({ value }) => value ?? []),
    managerRef: manager?.value ?? null,
    delegateRef: countersign?.outOfOffice?.delegate ?? null,
    resource,
  };
};
