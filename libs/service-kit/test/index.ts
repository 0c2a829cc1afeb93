export { createTestService, secretKey } from './create-test-service';
export type { CallOptions, TestAnswer, TestService, TestServiceOptions } from './create-test-service';
export { pagesRead } from './pages-read';
export { until } from './until';
