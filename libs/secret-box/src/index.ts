export { SecretBox } from './secret-box';
export { SecretBoxError, type SecretBoxErrorCode } from './secret-box.error';
export { equalConstantTime, sha256 } from './digest';
