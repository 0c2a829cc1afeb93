import { stagesOf, type WorkflowDefinition } from '../definition/workflow-definition';
import { eachSource, sourceLists } from './each-source';

/** A user, group or role that a definition names, as it is written there. */
export interface NamedRef {
  ref: string;
  pointer: string;
}

export interface NamedRefs {
  users: NamedRef[];
  groups: NamedRef[];
  roles: NamedRef[];
}

/** Everybody and everything of the directory that a definition names, once for each place. */
export function refsIn(definition: WorkflowDefinition): NamedRefs {
  const named: NamedRefs = { users: [], groups: [], roles: [] };
  const visit = (source: object, pointer: string) => {
    const { user, group, role } = source as { user?: unknown; group?: unknown; role?: unknown };
    if (typeof user === 'string') named.users.push({ ref: user, pointer: `${pointer}/user` });
    if (typeof group === 'string') named.groups.push({ ref: group, pointer: `${pointer}/group` });
    if (typeof role === 'string') named.roles.push({ ref: role, pointer: `${pointer}/role` });
  };
  for (const { stage, pointer } of stagesOf(definition)) {
    for (const list of sourceLists(stage, pointer))
      for (const found of eachSource(list.sources, list.pointer)) visit(found.source, found.pointer);
    if (typeof stage.quorum === 'object' && 'each' in stage.quorum)
      stage.quorum.each.forEach((part, index) => visit(part, `${pointer}/quorum/each/${index}`));
  }
  return named;
}
