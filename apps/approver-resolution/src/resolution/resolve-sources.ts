import type { ApproverAnswer } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { refKey, type DirectoryRef } from '../directory/directory-ref';
import { delegationsAt } from '../delegations/delegation.rows';
import { directoryVersions, type DirectoryVersions } from '../directory/directory-version';
import { matchGroups, type MatchedGroup } from '../directory/match-groups';
import { matchRoles, roleRef } from '../directory/match-roles';
import { matchUsers } from '../directory/match-users';
import type { PersonRow } from '../directory/user.rows';
import { addManagers, addUntilLimit } from './add-managers';
import { ApproverList, type SourceApprovers } from './approver-list';
import type { ApproverSource, LevelsSource, LimitSource, WebhookSource } from './approver-source';
import { Climbs, type Climb } from './managers';
import {
  targetKey,
  type AnsweredSources,
  type ResolverAnswer,
  type ResolverAnswers,
  type SourcesQuestion,
} from './resolution-question';
import { shownUrl } from './shown-url';
import { sourceEvidence } from './source-evidence';

/** Webhooks that are not among the answers are asked later. */
interface Asked extends AnsweredSources {
  question: SourcesQuestion;
}

/** What the directory says to all questions at once. */
interface Found {
  versions: DirectoryVersions;
  users: Map<string, PersonRow[]>;
  groups: Map<string, MatchedGroup[]>;
  roles: Map<string, PersonRow[]>;
  climbs: Climbs;
}

/** Somebody's authority may be far up, yet no organisation is deeper. */
const highestClimb = 50;

/**
 * Who must approve and on what evidence, for any number of questions at once: one statement for the versions of the
 * directories, one for all that name users, two for all that name groups, one for all roles, one for all managers, three at most for each step of a chain of delegations. The answers are in
 * the order of the questions.
 */
export const resolveSources = async (sql: Sql, list: readonly Asked[]): Promise<ApproverAnswer[]> => {
  if (list.length === 0) return [];
  const found = await lookUp(sql, list);
  const named = list.map(({ question, answers, calls }) => {
    const { workspaceId } = question;
    const approvers = new ApproverList(question);
    const people = question.sources.map((source, index) => {
      const part = approvers.ofSource(index);
      addSource(part, source, workspaceId, found, answers);
      return part.named;
    });
    const groupsOf = (ref: string) => found.groups.get(refKey({ workspaceId, ref })) ?? [];
    const sources = sourceEvidence(question, { named: people, groupsOf, answers, calls });
    return { approvers, question, sources };
  });
  const delegators = named.flatMap(({ approvers, question }) =>
    question.delegations ? approvers.people() : [],
  );
  const at = new Date();
  const delegations = await delegationsAt(sql, delegators, at);
  return named.map(({ approvers, question, sources }) => {
    const { standIns, ...answer } = approvers.answer(delegations, at);
    return {
      ...answer,
      evidence: {
        directoryVersion: found.versions.get(question.workspaceId) ?? 0,
        at: at.toISOString(),
        sources,
        ...(standIns.length > 0 ? { standIns } : {}),
      },
    };
  });
};

const climbOf = (workspaceId: string, source: LevelsSource | LimitSource): Climb => ({
  workspaceId,
  userId: source.of,
  levels: source.kind === 'levels' ? source.levels : highestClimb,
});

const lookUp = async (sql: Sql, list: readonly Asked[]): Promise<Found> => {
  const users: DirectoryRef[] = [];
  const groups: DirectoryRef[] = [];
  const roles: DirectoryRef[] = [];
  const climbs = new Climbs();
  for (const { question, answers } of list) {
    const { workspaceId } = question;
    for (const source of question.sources) {
      switch (source.kind) {
        case 'user':
          users.push({ workspaceId, ref: source.ref });
          break;
        case 'group':
          groups.push({ workspaceId, ref: source.ref });
          break;
        case 'role':
          roles.push({ workspaceId, ref: source.role });
          break;
        case 'levels':
        case 'limit':
          climbs.plan(climbOf(workspaceId, source));
          break;
        case 'webhook': {
          const answer = answers[targetKey(source)];
          if (answer && 'refs' in answer) users.push(...answer.refs.map((ref) => ({ workspaceId, ref })));
        }
      }
    }
  }
  // The versions first: whatever is found by the others is as new, or newer.
  const [versions, matchedUsers, matchedGroups, matchedRoles] = await Promise.all([
    directoryVersions(
      sql,
      list.map(({ question }) => question.workspaceId),
    ),
    matchUsers(sql, users),
    matchGroups(sql, groups),
    matchRoles(sql, roles),
    climbs.make(sql),
  ]);
  return { versions, users: matchedUsers, groups: matchedGroups, roles: matchedRoles, climbs };
};

const addSource = (
  approvers: SourceApprovers,
  source: ApproverSource,
  workspaceId: string,
  found: Found,
  answers: ResolverAnswers,
): void => {
  const usersOf = (ref: string): PersonRow[] => found.users.get(refKey({ workspaceId, ref })) ?? [];
  switch (source.kind) {
    case 'user':
      return approvers.addMatches(
        usersOf(source.ref),
        source.ref,
        source.by === null ? 'Named in the workflow' : `Named by ${source.by}`,
      );
    case 'group':
      return addGroup(
        approvers,
        source.ref,
        found.groups.get(refKey({ workspaceId, ref: source.ref })) ?? [],
      );
    case 'role':
      return addRole(
        approvers,
        source.role,
        found.roles.get(refKey(roleRef({ workspaceId, ref: source.role }))) ?? [],
      );
    case 'levels':
      return addManagers(approvers, source.of, found.climbs.rowsOf(climbOf(workspaceId, source)));
    case 'limit':
      return addUntilLimit(approvers, source, found.climbs.rowsOf(climbOf(workspaceId, source)));
    case 'webhook':
      return addAnswer(approvers, source, answers[targetKey(source)], usersOf);
  }
};

const addGroup = (
  approvers: SourceApprovers,
  ref: string,
  [group, another]: readonly MatchedGroup[],
): void => {
  if (!group)
    return approvers.leaveOut(ref, 'no group in the directory has this id, externalId or displayName');
  if (another) return approvers.leaveOut(ref, 'more than one group in the directory is called this');
  if (group.members.length === 0) return approvers.leaveOut(ref, 'the group has no members');
  for (const member of group.members)
    approvers.add(member, member.user_name, `Member of the group ${group.displayName}`);
};

const addRole = (approvers: SourceApprovers, role: string, holders: readonly PersonRow[]): void => {
  if (holders.length === 0) return approvers.leaveOut(role, 'nobody in the directory has this role');
  for (const holder of holders) approvers.add(holder, holder.user_name, `Has the role ${role}`);
};

const addAnswer = (
  approvers: SourceApprovers,
  { url }: WebhookSource,
  answer: ResolverAnswer | undefined,
  usersOf: (ref: string) => PersonRow[],
): void => {
  if (!answer) return approvers.note(`The webhook at ${shownUrl(url)} is asked when the stage starts.`);
  if ('failure' in answer) return approvers.note(answer.failure);
  for (const ref of answer.refs) approvers.addMatches(usersOf(ref), ref, `Named by ${shownUrl(url)}`);
};
