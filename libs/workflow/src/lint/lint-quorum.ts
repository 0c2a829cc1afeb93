import {
  stagesOf,
  type ApproverSource,
  type StageDefinition,
  type WorkflowDefinition,
} from '../definition/workflow-definition';
import { sameJson } from '../canonical-json';
import { describeSource } from '../wording/describe-source';
import { count } from '../wording/phrase';
import { sourceLists } from './each-source';
import type { Finding, LintResult } from './finding';
import { fewestApprovals, possiblePeople } from './possible-people';
import { stageName } from './stage-name';

const people = (number: number) => count(number, 'person', 'people');

/** True if the source says by itself whom it stands for. */
function isPlain(source: ApproverSource): boolean {
  if ('user' in source) return typeof source.user === 'string';
  if ('group' in source) return typeof source.group === 'string';
  return 'role' in source || 'manager' in source;
}

class QuorumLint {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];

  constructor(private readonly stages: Map<string, StageDefinition>) {}

  lint(stage: StageDefinition, pointer: string): void {
    const reachable = this.lintNumbers(stage, pointer);
    if (reachable) this.lintExclusions(stage, pointer);
    this.lintParts(stage, pointer);
    const { reject } = stage;
    const { most } = possiblePeople(stage.approvers);
    if (typeof reject === 'object' && reject.rejections > most) {
      const message = `${stageName(stage)} can never be rejected: it takes ${count(reject.rejections, 'rejection')}, and at most ${people(most)} can decide.`;
      this.warnings.push({ pointer: `${pointer}/reject`, code: 'rejections-unreachable', message });
    }
    if (stage.order === 'sequential' && typeof stage.quorum === 'object' && 'each' in stage.quorum) {
      const message = `${stageName(stage)} asks one person after another, but needs approvals of several kinds of people: whoever comes late in the list holds up the others. Ask them all at once, or make a stage of each.`;
      this.warnings.push({ pointer: `${pointer}/quorum/each`, code: 'sequential-each', message });
    }
  }

  /** Whether there can be enough people at all, leaving aside who is excluded. */
  private lintNumbers(stage: StageDefinition, pointer: string): boolean {
    const { quorum = 'any' } = stage;
    if (typeof quorum !== 'object' || !('approvals' in quorum)) return true;
    const needed = quorum.approvals;
    const at = `${pointer}/quorum/approvals`;
    const { most } = possiblePeople(stage.approvers);
    const fallback = sourceLists(stage, pointer).find(({ use }) => use === 'fallback');
    if (fallback && possiblePeople(fallback.sources).most < needed) {
      const message = `When the fallback of ${stageName(stage)} is asked, it can give at most ${people(possiblePeople(fallback.sources).most)}, but ${count(needed, 'approval')} are needed.`;
      this.warnings.push({ pointer: fallback.pointer, code: 'quorum-may-be-unreachable', message });
    }
    if (most >= needed) return true;
    const short = `${stageName(stage)} needs ${count(needed, 'approval')}, but at most ${people(most)} can approve`;
    const added = (stage.escalate ?? []).reduce((sum, { to }) => sum + possiblePeople(to).most, 0);
    if (most + added >= needed) {
      const message = `${short} before it is escalated: it can never be approved earlier.`;
      this.warnings.push({ pointer: at, code: 'quorum-needs-escalation', message });
    } else this.errors.push({ pointer: at, code: 'quorum-unreachable', message: `${short}.` });
    return false;
  }

  /** Whether enough people are left when the requester and the deciders of other stages are taken away. */
  private lintExclusions(stage: StageDefinition, pointer: string): void {
    const own = possiblePeople(stage.approvers).people;
    if (!own) return;
    const { quorum = 'any', selfApproval = 'forbid', distinctFrom = [], onNoApprovers = 'fail' } = stage;
    let surely = 0;
    let perhaps = 0;
    for (const key of distinctFrom) {
      const other = this.stages.get(key);
      const others = other && possiblePeople(other.approvers).people;
      if (!other || !others) continue;
      const shared = [...others].filter((person) => own.has(person)).length;
      const deciders = Math.min(fewestApprovals(other.quorum ?? 'any', others.size), others.size);
      const certain = other.when === undefined && !other.escalate && typeof other.onNoApprovers !== 'object';
      if (certain) surely = Math.max(surely, deciders - (others.size - shared));
      perhaps += Math.min(shared, deciders);
    }
    const title = stageName(stage);
    const names = distinctFrom.join(', ');
    const fixed = typeof quorum === 'object' && 'approvals' in quorum ? quorum.approvals : 1;
    const left = own.size - surely;
    const fatal = left > 0 || onNoApprovers === 'fail';
    const escalated = stage.escalate !== undefined;
    if (surely > 0 && left < fixed && !escalated && fatal) {
      const message = `${title} can never be approved: of the ${people(own.size)} that it asks, ${surely} must have decided ${names} before and may not decide again, but ${count(fixed, 'approval')} ${fixed === 1 ? 'is' : 'are'} needed.`;
      this.errors.push({ pointer: `${pointer}/distinctFrom`, code: 'quorum-unreachable', message });
      return;
    }
    if (own.size - perhaps < fixed && perhaps > 0) {
      const message = `${title} can be left without enough approvers: whoever decided ${names} may not decide here, and only ${people(own.size)} can be asked.`;
      this.warnings.push({ pointer: `${pointer}/distinctFrom`, code: 'quorum-may-be-unreachable', message });
      return;
    }
    const mayBeRequester = selfApproval !== 'allow' && [...own].some((person) => person.startsWith('user '));
    if (fixed > 1 && own.size - perhaps - 1 < fixed && mayBeRequester) {
      const message = `${title} can be left without enough approvers: it needs all ${people(own.size)} that it asks, and if one of them makes the request, they are left out.`;
      this.warnings.push({
        pointer: `${pointer}/quorum/approvals`,
        code: 'quorum-may-be-unreachable',
        message,
      });
    }
  }

  private lintParts(stage: StageDefinition, pointer: string): void {
    if (typeof stage.quorum !== 'object' || !('each' in stage.quorum)) return;
    const { people: named } = possiblePeople(stage.approvers);
    const plain = stage.approvers.every(isPlain);
    stage.quorum.each.forEach(({ approvals, ...part }, index) => {
      const at = `${pointer}/quorum/each/${index}`;
      const who = describeSource(part);
      if ('user' in part && typeof part.user === 'string') {
        if (approvals > 1) {
          const message = `${stageName(stage)} needs ${count(approvals, 'approval')} by ${who}: one person approves only once.`;
          this.errors.push({ pointer: `${at}/approvals`, code: 'quorum-unreachable', message });
          return;
        }
        // A manager may be that very person.
        const managed = named && [...named].some((person) => person.startsWith('manager '));
        if (named && !managed && !stage.escalate && !named.has(`user ${part.user.toLowerCase()}`)) {
          const message = `${stageName(stage)} needs an approval by ${who}, but never asks them.`;
          this.errors.push({ pointer: at, code: 'quorum-unreachable', message });
        }
        return;
      }
      const asked = stage.approvers.some((source) => sameJson(source, part));
      if (plain && !asked) {
        const message = `${stageName(stage)} needs ${count(approvals, 'approval')} by ${who}, but does not name them among its approvers: only those who happen to be asked otherwise can give it.`;
        this.warnings.push({ pointer: at, code: 'quorum-part-not-asked', message });
      }
    });
  }
}

/** Quorums that can never be met, or only with luck. */
export function lintQuorums(definition: WorkflowDefinition): LintResult {
  const placed = stagesOf(definition);
  const lint = new QuorumLint(new Map(placed.map(({ stage }) => [stage.key, stage])));
  for (const { stage, pointer } of placed) lint.lint(stage, pointer);
  return lint;
}
