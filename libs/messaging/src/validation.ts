import 'reflect-metadata';
import { catalogue, Envelope, isJobType, type JobType } from '@countersign/contracts';
import { compileContract, type ContractCheck } from './compile-contract';
import { PoisonMessage } from './failures';

const compiled = new Map<unknown, ContractCheck>();

/** Compiled when first needed: every service uses a few contracts only. */
const checkOf = (type: new () => object): ContractCheck => {
  let check = compiled.get(type);
  if (!check) compiled.set(type, (check = compileContract(type)));
  return check;
};

const check = (type: new () => object, value: unknown, what: string): void => {
  const violations = checkOf(type)(value);
  if (violations) throw new PoisonMessage(`${what} does not fit its contract: ${violations}`);
};

/** Checks the data of a job against its contract, when produced and when consumed. Throws PoisonMessage. */
export const checkData = (type: JobType, data: unknown): void =>
  check(catalogue[type].data as new () => object, data, type);

/** Checks a received envelope and its data. Members unknown to this version are let through: contracts only grow. */
export const checkEnvelope = (value: unknown): Envelope & { type: JobType } => {
  check(Envelope, value, 'envelope');
  const envelope = value as Envelope;
  if (!isJobType(envelope.type)) throw new PoisonMessage(`no such job: ${envelope.type}`);
  checkData(envelope.type, envelope.data);
  return envelope as Envelope & { type: JobType };
};
