export { numberOf, readConfig, ServiceConfigError, type ServiceConfig } from './config';
export { createLog, type Log } from './log';
export { runService, startService, type RunOptions, type RunningService } from './run-service';
export { ServiceModule, CONFIG, LOG, UNIT_OF_WORK, SWEEPER } from './service.module';
export { Call, bodyLimit, scimBodyLimit } from './http/call';
export {
  ok,
  created,
  accepted,
  noContent,
  content,
  file,
  streamed,
  type Answer,
  type AnswerStream,
} from './http/answer';
export { writeAnswer } from './http/answer.adapter';
export { Problem, renderProblem } from './http/problem';
export { problemOf } from './http/problem.filter';
export { IsTime } from './http/is-time';
export { PageQuery, decodeCursor, encodeCursor, idPosition, pageOf, pageSchema } from './http/page';
export { EmptyBody } from './http/empty-body';
export { Operation, PathId, Internal, Caller } from './http/operation';
export { identityHeader, IdentitySigner, IdentityVerifier, type Identity } from './http/identity';
export { insufficientScope } from './http/identity.guard';
export { allowWorkflow, allowWorkflows } from './http/workflow-limit';
export { readBody } from './http/read-body';
export { loggedPath } from './http/logged-path';
export { validate } from './http/validate';
export { Idempotency, type PendingAnswer, type Settle } from './idempotency/idempotency';
export {
  callingActor,
  contentOfCall,
  recordFact,
  recordFacts,
  recordSystemFacts,
  type SystemFact,
} from './trail/record-fact';
export { createIdempotencyTable, forgetIdempotencyKeys } from './idempotency/idempotency.table';
export { openPlainAnswer, packPlainAnswer } from './idempotency/stored-answer';
export { Seldom } from './metrics/seldom';
