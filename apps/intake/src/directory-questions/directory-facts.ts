import { Injectable } from '@nestjs/common';
import type { Cause } from '@countersign/messaging';
import type { LintFacts, NamedRef, NamedRefs } from '@countersign/workflow';
import { DirectoryQuestions } from './directory-questions';

const nothing: LintFacts = {
  unknownUsers: [],
  unknownGroups: [],
  inactiveUsers: [],
  groupSizes: [],
  roleSizes: [],
};

const refsOf = (named: readonly NamedRef[]): string[] => [...new Set(named.map(({ ref }) => ref))];

/** Asks the directory what it knows of the people, groups and roles that a definition names. */
@Injectable()
export class DirectoryFacts {
  constructor(private readonly questions: DirectoryQuestions) {}

  /** Throws Problem unavailable when the directory has not answered within 2 s. */
  async about(workspaceId: string, named: NamedRefs, cause: Cause): Promise<LintFacts> {
    const [users, groups, roles] = [refsOf(named.users), refsOf(named.groups), refsOf(named.roles)];
    if (users.length + groups.length + roles.length === 0) return nothing;
    const answer = await this.questions.ask(workspaceId, (tx, questionId) =>
      tx.publish({
        type: 'directory.check.v1',
        workspaceId,
        cause,
        data: { questionId, asker: 'intake', users, groups, roles },
      }),
    );
    return { ...nothing, ...(answer as Partial<LintFacts>) };
  }
}
