import { Injectable } from '@nestjs/common';
import type { Cause } from '@countersign/messaging';
import type { LintFacts, NamedRefs } from '@countersign/workflow';
import { DirectoryQuestions } from './directory-questions';

/** Asks the directory which of the people and groups that a definition names it lacks. */
@Injectable()
export class UnknownRefs {
  constructor(private readonly questions: DirectoryQuestions) {}

  /** Throws Problem unavailable when the directory has not answered within 2 s. */
  async among(workspaceId: string, named: NamedRefs, cause: Cause): Promise<LintFacts> {
    const users = [...new Set(named.users.map(({ ref }) => ref))];
    const groups = [...new Set(named.groups.map(({ ref }) => ref))];
    if (users.length + groups.length === 0) return { unknownUsers: [], unknownGroups: [] };
    return (await this.questions.ask(workspaceId, (tx, questionId) =>
      tx.publish({
        type: 'directory.check.v1',
        workspaceId,
        cause,
        data: { questionId, asker: 'intake', users, groups },
      }),
    )) as LintFacts;
  }
}
