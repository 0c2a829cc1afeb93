import type { Sql } from '@countersign/persistence';
import { refKey, type DirectoryRef } from '../directory/directory-ref';
import { matchGroups, type MatchedGroup } from '../directory/match-groups';
import { matchUsers } from '../directory/match-users';
import { ApproverList, type Outcome } from './approver-list';
import { managersAbove, type Climb, type ManagerRow } from './managers';
import type { AnsweredQuestion } from './resolution-question';
import { shownUrl } from './shown-url';

/**
 * Who must approve, for any number of questions at once: one statement for all that name users, two for all that name
 * groups, one for all managers. The outcomes are in the order of the questions.
 */
export const resolveSources = async (sql: Sql, list: readonly AnsweredQuestion[]): Promise<Outcome[]> => {
  const userRefs: DirectoryRef[] = [];
  const groupRefs: DirectoryRef[] = [];
  const climbs: Climb[] = [];
  const climbOf = new Map<object, number>();
  for (const { question, answers } of list) {
    const { workspaceId } = question;
    for (const source of question.sources) {
      if (source.kind === 'user') userRefs.push({ workspaceId, ref: source.ref });
      if (source.kind === 'group') groupRefs.push({ workspaceId, ref: source.ref });
      if (source.kind === 'manager') {
        climbOf.set(
          source,
          climbs.push({ workspaceId, userId: question.requester.id, levels: source.levels }) - 1,
        );
      }
      if (source.kind === 'webhook') {
        const answer = answers[source.url];
        if (answer && 'refs' in answer) userRefs.push(...answer.refs.map((ref) => ({ workspaceId, ref })));
      }
    }
  }
  const [users, groups, above] = await Promise.all([
    matchUsers(sql, userRefs),
    matchGroups(sql, groupRefs),
    managersAbove(sql, climbs),
  ]);
  const managers: ManagerRow[][] = climbs.map(() => []);
  for (const row of above) managers[row.climb]?.push(row);

  return list.map(({ question, answers }) => {
    const { workspaceId } = question;
    const approvers = new ApproverList(question);
    for (const source of question.sources) {
      switch (source.kind) {
        case 'user':
          approvers.addMatches(
            users.get(refKey({ workspaceId, ref: source.ref })) ?? [],
            source.ref,
            'Named in the workflow',
          );
          break;
        case 'group':
          addGroup(approvers, source.ref, groups.get(refKey({ workspaceId, ref: source.ref })) ?? []);
          break;
        case 'manager':
          addManagers(approvers, question.requester, managers[climbOf.get(source) ?? -1] ?? []);
          break;
        case 'webhook': {
          const answer = answers[source.url];
          if (!answer || 'failure' in answer) {
            approvers.note(answer?.failure ?? `${shownUrl(source.url)} was not asked.`);
            break;
          }
          const why = `Named by ${shownUrl(source.url)}`;
          for (const ref of answer.refs)
            approvers.addMatches(users.get(refKey({ workspaceId, ref })) ?? [], ref, why);
        }
      }
    }
    return approvers.outcome();
  });
};

const addGroup = (approvers: ApproverList, ref: string, [group, another]: readonly MatchedGroup[]): void => {
  if (!group)
    return approvers.leaveOut(ref, 'no group in the directory has this id, externalId or displayName');
  if (another) return approvers.leaveOut(ref, 'more than one group in the directory is called this');
  if (group.members.length === 0) return approvers.leaveOut(ref, 'the group has no members');
  for (const member of group.members)
    approvers.add(member, member.user_name, `Member of the group ${group.displayName}`);
};

const addManagers = (
  approvers: ApproverList,
  requester: { userName: string; displayName: string },
  managers: readonly ManagerRow[],
): void => {
  if (managers.length === 0) return approvers.leaveOut(requester.userName, 'has no manager in the directory');
  for (const manager of managers) {
    const why =
      manager.level === 1
        ? `Line manager of ${requester.displayName}`
        : `Manager of ${requester.displayName}, ${manager.level} levels up`;
    approvers.add(manager, manager.user_name, why);
  }
};
