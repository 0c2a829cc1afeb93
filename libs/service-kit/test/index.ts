export { createTestService, secretKey } from './create-test-service';
export type { CallOptions, TestAnswer, TestService, TestServiceOptions } from './create-test-service';
export { until } from './until';
