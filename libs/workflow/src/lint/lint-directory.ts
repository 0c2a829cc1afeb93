import { MAX_PEOPLE } from '../decider/open-tasks';
import {
  stagesOf,
  type ApproverSource,
  type StageDefinition,
  type WorkflowDefinition,
} from '../definition/workflow-definition';
import { describeSource } from '../wording/describe-source';
import { count, numeral } from '../wording/phrase';
import { eachSource, sourceLists, type SourceList } from './each-source';
import type { Finding, LintResult } from './finding';
import type { LintFacts, RefSize } from './lint-facts';
import { possiblePeople, type Sizes } from './possible-people';
import { refsIn, type NamedRef } from './refs-in';
import { stageName } from './stage-name';

const people = (number: number) => count(number, 'person', 'people');
const most = numeral(MAX_PEOPLE);
const today = 'as the directory is today';

/** What becomes of a stage whose sources are too many people. */
const tooMany: Record<SourceList['use'], string> = {
  approvers: `would ask more than ${most} people, %s: a stage asks ${most} at most, so nobody is asked.`,
  fallback: `would ask more than ${most} people in its fallback, %s: a stage asks ${most} at most, so nobody is asked.`,
  escalate: `is escalated to more than ${most} people, %s: a stage asks ${most} at most, so the others are not asked.`,
  notify: `informs more than ${most} people, %s: only the first ${most} are told.`,
};

/** What a definition comes to with the people of today: none of it is told of what the directory did not say. */
class DirectoryLint {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];
  private readonly inactive: ReadonlySet<string>;
  private readonly groups: ReadonlyMap<string, number>;
  private readonly roles: ReadonlyMap<string, number>;

  constructor(private readonly facts: LintFacts) {
    const byRef = (sizes: readonly RefSize[]) => new Map(sizes.map((size) => [size.ref, size.people]));
    this.inactive = new Set(facts.inactiveUsers);
    this.groups = byRef(facts.groupSizes);
    this.roles = byRef(facts.roleSizes);
  }

  lint(definition: WorkflowDefinition): this {
    const { users, groups, roles } = refsIn(definition);
    const unknownUsers = new Set(this.facts.unknownUsers);
    const unknownGroups = new Set(this.facts.unknownGroups);
    const tell = (
      code: Finding['code'],
      named: readonly NamedRef[],
      isSo: (ref: string) => boolean,
      messageOf: (ref: string) => string,
    ): Finding[] =>
      named
        .filter(({ ref }) => isSo(ref))
        .map(({ ref, pointer }) => ({ pointer, code, message: messageOf(ref) }));
    this.errors.push(
      ...tell(
        'unknown-user',
        users,
        (ref) => unknownUsers.has(ref),
        (ref) => `The user ${ref} is nobody in the directory, or more than one person.`,
      ),
      ...tell(
        'unknown-group',
        groups,
        (ref) => unknownGroups.has(ref),
        (ref) => `The group ${ref} is not in the directory, or there is more than one.`,
      ),
    );
    this.warnings.push(
      ...tell(
        'inactive-user',
        users,
        (ref) => this.inactive.has(ref),
        (ref) => `The user ${ref} is not active: whoever is not is left out.`,
      ),
      ...tell(
        'empty-group',
        groups,
        (ref) => this.groups.get(ref) === 0,
        (ref) => `The group ${ref} has nobody who is active.`,
      ),
      ...tell(
        'empty-role',
        roles,
        (ref) => this.roles.get(ref) === 0,
        (ref) => `Nobody who is active has the role ${ref}.`,
      ),
    );
    for (const { stage, pointer } of stagesOf(definition)) {
      this.lintCrowds(stage, pointer);
      this.lintQuorum(stage, pointer);
    }
    return this;
  }

  private readonly sizeOf: Sizes = (source) => {
    if ('user' in source && typeof source.user === 'string')
      return this.inactive.has(source.user) ? 0 : undefined;
    if ('group' in source && typeof source.group === 'string') return this.groups.get(source.group);
    return 'role' in source ? this.roles.get(source.role) : undefined;
  };

  private lintCrowds(stage: StageDefinition, pointer: string): void {
    for (const { use, sources, pointer: at } of sourceLists(stage, pointer)) {
      for (const { source, pointer: place } of eachSource(sources, at)) {
        if ((this.sizeOf(source) ?? 0) <= MAX_PEOPLE) continue;
        const message = `${stageName(stage)} ${tooMany[use].replace('%s', () => describeSource(source))}`;
        this.warnings.push({ pointer: place, code: 'too-many-people', message });
      }
    }
  }

  /** Where there is nobody at all, it is said of the group, role or person. */
  private lintQuorum(stage: StageDefinition, pointer: string): void {
    const { quorum } = stage;
    if (typeof quorum !== 'object') return;
    if ('approvals' in quorum) {
      const needed = count(quorum.approvals, 'approval');
      const short = (sources: ApproverSource[]): number | null => {
        const found = possiblePeople(sources, this.sizeOf).most;
        const isNews =
          found > 0 && found < quorum.approvals && possiblePeople(sources).most >= quorum.approvals;
        return isNews ? found : null;
      };
      const found = short(stage.approvers);
      if (found !== null) {
        const message = `${stageName(stage)} needs ${needed}, but asks at most ${people(found)} ${today}: it can never be approved.`;
        this.warnings.push({
          pointer: `${pointer}/quorum/approvals`,
          code: 'quorum-unreachable-today',
          message,
        });
      }
      const fallback = sourceLists(stage, pointer).find(({ use }) => use === 'fallback');
      const inFallback = fallback ? short(fallback.sources) : null;
      if (fallback && inFallback !== null) {
        const message = `The fallback of ${stageName(stage)} asks at most ${people(inFallback)} ${today}, but ${needed} are needed.`;
        this.warnings.push({ pointer: fallback.pointer, code: 'quorum-unreachable-today', message });
      }
    }
    if (!('each' in quorum)) return;
    for (const [index, { approvals, ...part }] of quorum.each.entries()) {
      const size = this.sizeOf(part);
      if (!size || size >= approvals) continue;
      const message = `${stageName(stage)} needs ${count(approvals, 'approval')} by ${describeSource(part)}, who are only ${people(size)} ${today}: it can never be approved.`;
      this.warnings.push({
        pointer: `${pointer}/quorum/each/${index}/approvals`,
        code: 'quorum-unreachable-today',
        message,
      });
    }
  }
}

/** Who is not in the directory, not active, or today too few or too many. */
export function lintDirectory(definition: WorkflowDefinition, facts: LintFacts): LintResult {
  const { errors, warnings } = new DirectoryLint(facts).lint(definition);
  return { errors, warnings };
}
