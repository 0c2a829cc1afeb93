export type { Admission, AdmittedCall, CircuitRule, Liveness } from './circuit';
export { Circuits } from './circuits';
