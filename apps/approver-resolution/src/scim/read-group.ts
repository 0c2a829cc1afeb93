import { groupSchema } from './group.schema';
import { readExternalId, readResource } from './read-resource';
import { invalid } from './scim-problem';

export interface GroupInput {
  externalId: string | null;
  displayName: string;
  /** Ids, externalIds or userNames, each once. */
  memberRefs: string[];
}

interface GroupResource {
  displayName: string;
  members?: { value?: string }[];
}

/** Reads the body of POST or PUT. */
export const readGroup = (body: Record<string, unknown>): GroupInput => {
  const { displayName, members = [] } = readResource(body, groupSchema) as unknown as GroupResource;
  const refs = members.map(({ value }, index) => {
    if (value === undefined) throw invalid('invalidValue', `members[${index}].value is required.`);
    return value;
  });
  return { externalId: readExternalId(body), displayName, memberRefs: [...new Set(refs)] };
};
