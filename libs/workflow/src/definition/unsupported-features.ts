import { pointerTo, type Problem } from '../problem';

type Json = Record<string, unknown>;

const TOP_LEVEL = ['calendar', 'calendars', 'onChange', 'maxRevisions'];
const STAGE = [
  'parallel',
  'distinctFrom',
  'sla',
  'remind',
  'escalate',
  'expire',
  'notify',
  'reads',
  'calendar',
];
const SOURCE = ['role', 'expression', 'matrix'];

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Names every feature of the definition language that this version does not carry out: a rule that would
 * be ignored at run time is refused when it is written.
 */
export function unsupportedFeatures(definition: unknown): Problem[] {
  const problems: Problem[] = [];
  const refuse = (pointer: string, name: string) => {
    problems.push({ pointer, message: `${name} is not supported yet.` });
  };
  const refuseKeys = (value: Json, names: string[], pointer: string) => {
    for (const name of names) if (Object.hasOwn(value, name)) refuse(pointerTo(pointer, name), name);
  };
  const refuseWord = (value: Json, name: string, word: string, pointer: string) => {
    if (value[name] === word) refuse(pointerTo(pointer, name), `${name}: ${word}`);
  };
  const refuseForm = (value: Json, name: string, form: string, pointer: string) => {
    const inner = value[name];
    if (isObject(inner) && Object.hasOwn(inner, form)) {
      refuse(pointerTo(pointerTo(pointer, name), form), `${name}: {${form}}`);
    }
  };
  const visitSources = (list: unknown, pointer: string) => {
    if (!Array.isArray(list)) return;
    list.forEach((source: unknown, index) => {
      if (!isObject(source)) return;
      const at = pointerTo(pointer, index);
      refuseKeys(source, SOURCE, at);
      refuseForm(source, 'manager', 'untilLimit', at);
      if (isObject(source.manager)) refuseWord(source.manager, 'of', 'assignee', pointerTo(at, 'manager'));
      if (isObject(source.webhook))
        refuseWord(source.webhook, 'format', 'countersign', pointerTo(at, 'webhook'));
    });
  };
  const visitStage = (stage: unknown, pointer: string) => {
    if (!isObject(stage)) return;
    refuseKeys(stage, STAGE, pointer);
    refuseWord(stage, 'order', 'sequential', pointer);
    refuseForm(stage, 'quorum', 'each', pointer);
    if (isObject(stage.reject) && Object.hasOwn(stage.reject, 'rejections')) {
      refuse(pointerTo(pointer, 'reject'), 'reject: {rejections}');
    }
    refuseWord(stage, 'reject', 'unreachable', pointer);
    refuseWord(stage, 'selfApproval', 'reroute', pointer);
    refuseWord(stage, 'onReject', 'return', pointer);
    visitSources(stage.approvers, pointerTo(pointer, 'approvers'));
    if (isObject(stage.onNoApprovers)) {
      visitSources(stage.onNoApprovers.fallback, `${pointerTo(pointer, 'onNoApprovers')}/fallback`);
    }
  };

  if (!isObject(definition)) return problems;
  refuseKeys(definition, TOP_LEVEL, '');
  if (Array.isArray(definition.stages)) {
    definition.stages.forEach((stage: unknown, index) => visitStage(stage, pointerTo('/stages', index)));
  }
  return problems;
}
