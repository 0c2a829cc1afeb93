export { addCounts, redactorOf, type Counts, type Eraser, type ErasureScope } from './eraser';
export { everybody, ErasedRequests, readErasedRequests, type ErasedRequest } from './erased-requests';
export { createErasureTables } from './erasure.tables';
export { ErasureModule } from './erasure.module';
export { eraseAnswers } from './erase-answers';
export { eraseDeadLetters } from './erase-dead-letters';
