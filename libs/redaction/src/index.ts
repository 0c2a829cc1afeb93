export { redact, type Redaction } from './redact';
export { erasedDisplayName, erasedName, namesOf, wordPattern } from './words';
