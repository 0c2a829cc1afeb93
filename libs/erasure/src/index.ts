export { addCounts, type Counts, type Eraser, type ErasureScope } from './eraser';
export { everybody, ErasedRequests, readErasedRequests, type ErasedRequest } from './erased-requests';
export { createErasureTables } from './erasure.tables';
export { ErasureModule } from './erasure.module';
export { DocumentTable, type DocumentRow } from './document-table';
export { changed, eraseDocuments, kindOf, type DocumentKind, type Redact } from './erase-documents';
export { emptyPayloads, othersPayloads } from './erase-payloads';
export { eraseAnswers } from './erase-answers';
export { eraseDeadLetters } from './erase-dead-letters';
