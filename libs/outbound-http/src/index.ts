export {
  createOutboundHttp,
  type OutboundHttp,
  type OutboundHttpOptions,
  type OutboundRequest,
} from './outbound-http';
export type { FailureReason, OutboundResult, RefusalReason } from './outbound-result';
export { checkUrl, type UrlProblem } from './check-url';
export { parseAllowList, type AllowList } from './allow-list';
export { systemResolver, type ResolvedAddress, type Resolver } from './system-resolver';
export type { Connector, ConnectorFactory } from './guarded-connector';
