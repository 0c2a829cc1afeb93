export { createTestService, secretKey } from './create-test-service';
export type { CallOptions, TestAnswer, TestService, TestServiceOptions } from './create-test-service';
export { pagesRead } from './pages-read';
export { keepSent, sentMessages, type SentMessage } from './sent-messages';
export { until } from './until';
export { storedText } from './stored-text';
