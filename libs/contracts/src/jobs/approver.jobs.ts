import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';
import { DirectoryPerson, Person, Requester } from '../person';

/** What a source asks for once fields, expressions and matrices have been read. */
export const sourceKinds = ['user', 'group', 'role', 'levels', 'limit', 'webhook'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** Whom a delegation may lead to. */
export class DelegationRule {
  /** Key of the workflow: delegations may be for some workflows only. */
  @IsString() workflow: string;
  /** Users who may not decide here, so that nobody's task goes to them either. */
  @IsArray() @IsUUID(undefined, { each: true }) forbidden: string[];
}

/** Version of a workflow, as resolver webhooks are told of it. */
export class WorkflowVersion {
  @IsString() key: string;
  @IsInt() version: number;
}

/** A source of a stage's definition: its place there, such as `approvers.1.matrix.0.to.2`. */
export class SourceRule {
  @IsString() rule: string;
  /** How many of the question's sources it has become, next to each other and in the order of the rules. */
  @IsInt() count: number;
}

/** Asks who must approve a stage. `payload`, `workflow`, `externalRef` and `metadata` are there only when a source calls outside with them. */
export class ResolveApprovers {
  @IsUUID() resolutionId: string;
  @IsUUID() requestId: string;
  @IsString() stageKey: string;
  @IsInt() stageIndex: number;
  @IsInt() totalStages: number;
  @IsArray() @IsObject({ each: true }) sources: Record<string, unknown>[];
  /** Users who may not approve here, with the reason decided by the workflow (self-approval, four eyes). */
  @IsArray() @IsUUID(undefined, { each: true }) exclude: string[];
  @IsString() title: string;
  @IsOptional() @IsString() reason: string | null;
  @ValidateNested() @Type(() => Requester) requester: Requester;
  @IsOptional() @IsObject() payload: { value: unknown } | null;
  @IsOptional() @ValidateNested() @Type(() => WorkflowVersion) workflow?: WorkflowVersion | null;
  @IsOptional() @IsString() externalRef?: string | null;
  @IsOptional() @IsObject() metadata?: Record<string, unknown> | null;
  /** Left out: nobody stands in for anybody. */
  @IsOptional() @ValidateNested() @Type(() => DelegationRule) delegations?: DelegationRule | null;
  /** Left out: the evidence does not say which rules named people. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => SourceRule) rules?: SourceRule[];
}

/** One of many questions who would approve, asked of the directory alone: nothing is kept, nobody is called. */
export class ApproverQuestion {
  @IsArray() @IsObject({ each: true }) sources: Record<string, unknown>[];
  @IsArray() @IsUUID(undefined, { each: true }) exclude: string[];
  @ValidateNested() @Type(() => Requester) requester: Requester;
  /** Left out: nobody stands in for anybody. */
  @IsOptional() @ValidateNested() @Type(() => DelegationRule) delegations?: DelegationRule | null;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => SourceRule) rules?: SourceRule[];
}

/** Asks who would approve, for simulations. A webhook among the sources names nobody and is noted. */
export class PreviewApprovers {
  @IsUUID() questionId: string;
  @IsString() asker: string;
  @IsArray()
  @ArrayMaxSize(500)
  @ValidateNested({ each: true })
  @Type(() => ApproverQuestion)
  questions: ApproverQuestion[];
}

/** Makes one attempt at a resolver webhook; the resolution's row says which and where. */
export class CallResolver {
  @IsUUID() resolutionId: string;
  @IsInt() attempt: number;
}

export class ResolvedApprover {
  @ValidateNested() @Type(() => Person) person: Person;
  /** One sentence a source that names the person. */
  @IsArray() @IsString({ each: true }) why: string[];
  /** Which of the question's sources name the person: indexes, ascending. */
  @IsArray() @IsInt({ each: true }) sources: number[];
  /** The version of the person in the directory at which they were found to be active. */
  @IsOptional() @IsInt() version?: number;
  /** Whom the sources name, when the person stands in for them. */
  @IsOptional() @ValidateNested() @Type(() => Person) onBehalfOf?: Person | null;
  /** The same as `version`, of that person. */
  @IsOptional() @IsInt() onBehalfOfVersion?: number;
  /** User ids between the two, when delegations follow each other. */
  @IsOptional() @IsArray() @IsUUID(undefined, { each: true }) via?: string[];
  /** What an absence or a delegation has to do with it, to be said after each sentence of `why`. */
  @IsOptional() @IsString() substitution?: string | null;
}

export class SkippedApprover {
  @IsString() ref: string;
  @IsString() why: string;
}

/** One attempt at a webhook. Hashes are SHA-256 in hex, of a body's bytes. */
export class CallEvidence {
  @IsInt() attempt: number;
  @IsString() at: string;
  @IsOptional() @IsInt() status: number | null;
  @IsOptional() @IsNumber() latencyMs: number | null;
  /** A code: `answered`, or why there is no answer. */
  @IsString() result: string;
  /** Null when nothing was sent. */
  @IsOptional() @IsString() requestHash: string | null;
  /** Null when there was no answer, or too long a one. */
  @IsOptional() @IsString() answerHash: string | null;
  /** Nothing was sent: an answer of this time still held. The hashes are those of its call. */
  @IsOptional() @IsString() keptFrom?: string | null;
}

export class WebhookEvidence {
  /** Without its query. */
  @IsString() url: string;
  @IsIn(['easylife', 'countersign']) format: 'easylife' | 'countersign';
  /** The first 100 refs; null when it was not asked, or gave no answer that counts. */
  @IsOptional() @IsArray() @IsString({ each: true }) answered: string[] | null;
  /** The newest 20; none: it is asked when the stage starts. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => CallEvidence) calls: CallEvidence[];
}

export class GroupVersion {
  @IsUUID() id: string;
  @IsInt() version: number;
}

/** Whom one source of the definition named, whether they may approve or not. Lists hold the first 100, and 1,000 together. */
export class SourceEvidence {
  @IsString() rule: string;
  @IsIn(sourceKinds) kind: SourceKind;
  /** How many refs it came to: of a field, an expression, a webhook's answer. */
  @IsInt() refs: number;
  /** How many people; null when nobody knows yet. */
  @IsOptional() @IsInt() named: number | null;
  /** Their user ids. */
  @IsArray() @IsUUID(undefined, { each: true }) people: string[];
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => GroupVersion) groups?: GroupVersion[];
  /** Whose managers: user ids. */
  @IsOptional() @IsArray() @IsUUID(undefined, { each: true }) of?: string[];
  @IsOptional() @IsInt() levels?: number;
  @IsOptional() @ValidateNested() @Type(() => WebhookEvidence) webhook?: WebhookEvidence;
}

/** Why somebody has the vote of somebody else. */
export class StandInEvidence {
  @IsUUID() of: string;
  @IsUUID() holder: string;
  /** Ids of delegations, and `outOfOffice` for an absence. */
  @IsArray() @IsString({ each: true }) delegations: string[];
}

/** What an answer rests on: at most 500 sources. */
export class ResolutionEvidence {
  /** The number of changes of the workspace's directory. All up to this one were seen, and maybe some just after it. */
  @IsInt() directoryVersion: number;
  /** The moment for which absences and delegations were looked at. */
  @IsString() at: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => SourceEvidence) sources: SourceEvidence[];
  /** The first 100; left out where nobody stands in for anybody. */
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => StandInEvidence)
  standIns?: StandInEvidence[];
}

/** Who was found. */
export class ApproverAnswer {
  @IsArray() @ValidateNested({ each: true }) @Type(() => ResolvedApprover) approvers: ResolvedApprover[];
  /** The first 100 that were left out, and why. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => SkippedApprover) skipped: SkippedApprover[];
  /** What the trail should say of the resolution as a whole, such as a resolver's bad answer. */
  @IsOptional() @IsString() note: string | null;
  /** Left out by versions that kept none. */
  @IsOptional() @ValidateNested() @Type(() => ResolutionEvidence) evidence?: ResolutionEvidence;
}

export class ApproversResolved extends ApproverAnswer {
  @IsUUID() resolutionId: string;
  @IsUUID() requestId: string;
  @IsString() stageKey: string;
}

/** Answers in the order of the questions; none at all when they name too many people. */
export class ApproversPreviewed {
  @IsUUID() questionId: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => ApproverAnswer) answers: ApproverAnswer[];
}

/** Asks the directory for people by ref: id, externalId or userName; and for groups: id, externalId or displayName. */
export class FindPeople {
  @IsUUID() questionId: string;
  @IsString() asker: string;
  @IsArray() @ArrayMaxSize(200) @IsString({ each: true }) refs: string[];
  @IsOptional() @IsArray() @ArrayMaxSize(200) @IsString({ each: true }) groups?: string[];
}

export class FoundGroup {
  @IsString() ref: string;
  @IsUUID() id: string;
  @IsString() displayName: string;
}

export class PeopleFound {
  @IsUUID() questionId: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => DirectoryPerson) people: DirectoryPerson[];
  /** Those that a ref means alone; present where groups were asked for. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => FoundGroup) groups?: FoundGroup[];
}

/** Asks which refs the directory lacks: as many as a definition can name, in one message. */
export class CheckRefs {
  @IsUUID() questionId: string;
  @IsString() asker: string;
  @IsArray() @ArrayMaxSize(50_000) @IsString({ each: true }) users: string[];
  @IsArray() @ArrayMaxSize(50_000) @IsString({ each: true }) groups: string[];
  @IsOptional() @IsArray() @ArrayMaxSize(50_000) @IsString({ each: true }) roles?: string[];
}

/** How many active people a group has, those of groups within it too, or how many have a role. Nobody counts beyond 1,001. */
export class CountedRef {
  @IsString() ref: string;
  @IsInt() people: number;
}

/**
 * Those of the refs that name nobody and nothing, or more than one, and what the others come to today. Of the groups and of
 * the roles the first 200 are counted.
 */
export class RefsChecked {
  @IsUUID() questionId: string;
  @IsArray() @IsString({ each: true }) unknownUsers: string[];
  @IsArray() @IsString({ each: true }) unknownGroups: string[];
  @IsOptional() @IsArray() @IsString({ each: true }) inactiveUsers?: string[];
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => CountedRef) groupSizes?: CountedRef[];
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => CountedRef) roleSizes?: CountedRef[];
}

/** People as they now are; at most 500 a message. */
export class DirectoryChanged {
  @IsArray()
  @ArrayMaxSize(500)
  @ValidateNested({ each: true })
  @Type(() => DirectoryPerson)
  people: DirectoryPerson[];
  @IsArray() @ArrayMaxSize(500) @IsUUID(undefined, { each: true }) deleted: string[];
}

/** Has the directory tell of people as they are by then. */
export class PublishPeople {
  @IsArray() @ArrayMaxSize(500) @IsUUID(undefined, { each: true }) people: string[];
}
