import type { WorkflowDefinition } from '../definition/workflow-definition';
import { list, numeral } from '../wording/phrase';
import { diffCalendars } from './diff-calendars';
import { diffList } from './diff-list';
import { diffOrder } from './diff-order';
import { diffStage } from './diff-stage';
import { diffSubject } from './diff-subject';
import { difference, type Difference } from './difference';
import { fullStages } from './with-defaults';

type Top = Exclude<keyof WorkflowDefinition, 'stages'>;

const DEFAULT_MAX_REVISIONS = 100;

const noStage = { fail: 'the request fails', approve: 'the request is approved' };
const onChange = {
  material: 'dismisses the approvals that it touches',
  all: 'dismisses all approvals',
  none: 'dismisses no approvals',
};
const decisions = { approve: 'an approval', reject: 'a rejection', return: 'a return' };

function diffReasonCodes(from: WorkflowDefinition['reasonCodes'], to: WorkflowDefinition['reasonCodes']) {
  const pointer = '/reasonCodes';
  if (!from && !to) return [];
  if (!to) return [difference(pointer, null, 'decisions may now give any reason code')];
  if (!from) {
    const only = (Object.keys(decisions) as (keyof typeof decisions)[]).map(
      (decision) => `${decisions[decision]} ${list(to[decision] ?? [], 'or') || 'none'}`,
    );
    return [difference(pointer, null, `only listed reason codes may now be given: for ${list(only)}`)];
  }
  return (Object.keys(decisions) as (keyof typeof decisions)[]).flatMap((decision) => {
    const { added, removed, reordered } = diffList(from[decision] ?? [], to[decision] ?? []);
    const at = `${pointer}/${decision}`;
    const codes = (names: string[]) => `the reason ${names.length > 1 ? 'codes' : 'code'} ${list(names)}`;
    return [
      ...(added.length > 0
        ? [difference(at, null, `${decisions[decision]} may now also give ${codes(added)}`)]
        : []),
      ...(removed.length > 0
        ? [difference(at, null, `${decisions[decision]} may no longer give ${codes(removed)}`)]
        : []),
      ...(reordered
        ? [difference(at, null, `the reason codes of ${decisions[decision]} are listed in another order`)]
        : []),
    ];
  });
}

/** The differences of each member beside the stages. Every member must be here, so that none is forgotten. */
const tops: { [K in Top]: (from: WorkflowDefinition[K], to: WorkflowDefinition[K]) => Difference[] } = {
  key: (from, to) =>
    from === to ? [] : [difference('/key', null, `the workflow's key is now ${to} instead of ${from}`)],
  // Without a title the key stands for it: see below.
  title: (from, to) =>
    from === to ? [] : [difference('/title', null, `the workflow “${from}” is now called “${to}”`)],
  subject: diffSubject,
  reasonCodes: diffReasonCodes,
  onNoStage: (from = 'fail', to = 'fail') =>
    from === to
      ? []
      : [
          difference(
            '/onNoStage',
            null,
            `when no stage applies, now: ${noStage[to]}; before: ${noStage[from]}`,
          ),
        ],
  onChange: (from = 'material', to = 'material') =>
    from === to
      ? []
      : [
          difference(
            '/onChange',
            null,
            `a change of a pending request now ${onChange[to]}; before, it ${onChange[from].replace('dismisses', 'dismissed')}`,
          ),
        ],
  maxRevisions: (from = DEFAULT_MAX_REVISIONS, to = DEFAULT_MAX_REVISIONS) =>
    from === to
      ? []
      : [
          difference(
            '/maxRevisions',
            null,
            `a request may now have ${numeral(to)} revisions instead of ${numeral(from)}`,
          ),
        ],
  calendar: (from, to) => {
    const by = (name: string | undefined) =>
      name === undefined ? 'the clock' : `the working hours of the calendar ${name}`;
    return from === to
      ? []
      : [difference('/calendar', null, `time now counts by ${by(to)} instead of ${by(from)}`)];
  },
  calendars: diffCalendars,
};

function diffTop<K extends Top>(key: K, from: WorkflowDefinition, to: WorkflowDefinition): Difference[] {
  return tops[key](from[key], to[key]);
}

/**
 * The difference between two versions in words a business person understands: first what concerns the whole workflow,
 * then stages that came, went or moved, then each stage. Definitions that behave alike give an empty list; any others
 * never do.
 */
export function diffDefinitions(from: WorkflowDefinition, to: WorkflowDefinition): Difference[] {
  const titled = (definition: WorkflowDefinition) => ({
    ...definition,
    title: definition.title ?? definition.key,
  });
  const [before, now] = [titled(from), titled(to)];
  const [oldStages, newStages] = [fullStages(from), fullStages(to)];
  const old = new Map(oldStages.map((placed) => [placed.stage.key, placed]));
  return [
    ...(Object.keys(tops) as Top[]).flatMap((key) => diffTop(key, before, now)),
    ...diffOrder(oldStages, newStages),
    ...newStages.flatMap(({ stage, pointer }) => {
      const was = old.get(stage.key);
      return was ? diffStage(was.stage, stage, pointer) : [];
    }),
  ];
}
