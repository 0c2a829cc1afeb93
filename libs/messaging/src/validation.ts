import 'reflect-metadata';
import { catalogue, Envelope, isJobType, type JobType } from '@countersign/contracts';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { PoisonMessage } from './failures';

const describe = (errors: ValidationError[], path = ''): string =>
  errors
    .flatMap((error) => [
      ...Object.values(error.constraints ?? {}).map((text) => `${path}${error.property}: ${text}`),
      ...(error.children?.length ? [describe(error.children, `${path}${error.property}.`)] : []),
    ])
    .join('; ');

const check = <T extends object>(type: new () => T, value: unknown, what: string): T => {
  if (typeof value !== 'object' || value === null) throw new PoisonMessage(`${what} is not an object`);
  const instance = plainToInstance(type, value);
  const errors = validateSync(instance, { whitelist: false, forbidUnknownValues: true });
  if (errors.length > 0) throw new PoisonMessage(`${what} does not fit its contract: ${describe(errors)}`);
  return instance;
};

/** Checks the data of a job against its contract, when produced and when consumed. Throws PoisonMessage. */
export const checkData = (type: JobType, data: unknown): object =>
  check(catalogue[type].data as new () => object, data, type);

/** Checks a received envelope and its data. Members unknown to this version are let through: contracts only grow. */
export const checkEnvelope = (value: unknown): Envelope & { type: JobType } => {
  const envelope = check(Envelope, value, 'envelope');
  if (!isJobType(envelope.type)) throw new PoisonMessage(`no such job: ${envelope.type}`);
  envelope.data = checkData(envelope.type, envelope.data);
  return envelope as Envelope & { type: JobType };
};
