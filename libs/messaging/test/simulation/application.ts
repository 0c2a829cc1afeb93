import type { ConsumerService, JobType } from '@countersign/contracts';
import { NotYet, PoisonMessage } from '../../src/failures';
import type { Cause, Handler, Message, Tx } from '../../src/message';
import type { Statements } from './database-client';
import { databaseFault } from './simulated-database';
import { transitionOf } from './transition-of';
import type { World } from './world';

/**
 * A small application in the shape of the real one: intake sends commands, routing decides them one after the other for
 * each request and publishes what became of it, intake keeps the newest state, and audit a log without holes. A receipt
 * for each command may arrive at intake before the state that it is about, and has to wait for it.
 */

/** The ids of commands and requests differ by a few digits. */
export const idOf = (digits: string): string => `00000000-0000-4000-8000-${digits.padStart(12, '0')}`;
export const shortly = (text: string): string => text.replaceAll(/0{8}-0{4}-40{3}-80{3}-0{0,11}/g, '');

/** A request as routing has it: `entries` are the ids of the commands that took effect, in order. */
export interface Aggregate {
  version: number;
  entries: readonly string[];
}

export interface Command {
  id: string;
  requestId: string;
  /** It can never be handled, and is to become a dead letter. */
  isPoison: boolean;
  /** Its sender gets no receipt. */
  isQuiet: boolean;
}

/** What may be taken out, to see that the simulation notices. */
export type TakenOut = 'inbox' | 'fence' | 'reconciler';

const remember = 'INSERT INTO command';
const readRequest = 'SELECT version, entries FROM request';
const writeRequest = 'UPDATE request SET … WHERE version = …';
const appendToLog = 'INSERT INTO log';
const fileReceipt = 'INSERT INTO receipt SELECT … FROM newest WHERE …';
const keepNewest = 'UPDATE newest SET … WHERE version < …';

export const applicationStatements = (takenOut?: TakenOut): Statements => {
  let logged = 0;
  return {
    [remember]: (transaction, [command]) => {
      transaction.write('command', (command as Command).id, command);
      return [];
    },
    [readRequest]: (transaction, [id]) => [
      transaction.read<Aggregate>('request', id as string) ?? { version: 0, entries: [] },
    ],
    [writeRequest]: async (transaction, [id, seen, next]) => {
      await transaction.lock('request', id as string);
      const now = transaction.read<Aggregate>('request', id as string)?.version ?? 0;
      if (now !== seen && takenOut !== 'fence') throw databaseFault('fenced', '40001');
      transaction.write('request', id as string, next);
      return [];
    },
    [appendToLog]: (transaction, [entry]) => {
      transaction.write('log', String(logged++), entry);
      return [];
    },
    [fileReceipt]: (transaction, [commandId]) => {
      const { requestId } = transaction.read<Command>('command', commandId as string) ?? {};
      const newest = requestId && transaction.read<Aggregate>('newest', requestId);
      if (!newest || !newest.entries.includes(commandId as string)) return [];
      transaction.write('receipt', String(logged++), commandId);
      return [{ commandId }];
    },
    [keepNewest]: async (transaction, [id, next]) => {
      await transaction.lock('newest', id as string);
      const now = transaction.read<Aggregate>('newest', id as string)?.version ?? 0;
      if (now < (next as Aggregate).version) transaction.write('newest', id as string, next);
      return [];
    },
  };
};

/** Writes a command down and sends it, in the caller's transaction. */
export const submit = async (tx: Tx, workspaceId: string, command: Command, cause: Cause): Promise<void> => {
  tx.write(remember, [command]);
  tx.publish({
    type: 'request.cancel.v1',
    workspaceId,
    cause,
    data: {
      commandId: command.id,
      requestId: command.requestId,
      actor: { type: 'system', id: null, via: null },
      expectedVersion: null,
      reason: command.isPoison ? 'poison' : command.isQuiet ? 'quiet' : 'none',
    },
  });
};

const decide = async ({ data, ...envelope }: Message<'request.cancel.v1'>, tx: Tx): Promise<void> => {
  if (data.reason === 'poison') throw new PoisonMessage('never');
  const [request] = await tx.query<Aggregate>(readRequest, [data.requestId]);
  if (!request) throw new TypeError('a statement without its answer');
  const next = { version: request.version + 1, entries: [...request.entries, data.commandId] };
  await tx.query(writeRequest, [data.requestId, request.version, next]);
  const cause = { correlationId: envelope.correlationId, causationId: envelope.id, traceparent: null };
  tx.publish({
    type: 'request.transitioned.v1',
    workspaceId: envelope.workspaceId,
    cause,
    to: ['intake', 'audit'],
    data: transitionOf(envelope.workspaceId, data.requestId, next),
  });
  if (data.reason === 'quiet') return;
  tx.publish({
    // A type with few tries and short waits, so that they do run out.
    type: 'directory.found.v1',
    workspaceId: envelope.workspaceId,
    cause,
    to: ['intake'],
    data: { questionId: data.commandId, people: [] },
  });
};

type Handle = (message: Message, tx: Tx) => Promise<void> | void;

const handles: Partial<Record<`${ConsumerService} ${JobType}`, Handle>> = {
  'routing request.cancel.v1': (message, tx) => decide(message as Message<'request.cancel.v1'>, tx),
  'intake request.transitioned.v1': async (message, tx) => {
    const { request } = (message as Message<'request.transitioned.v1'>).data;
    const next = { version: request.version, entries: request.metadata.entries };
    await tx.query(keepNewest, [request.id, next]);
  },
  'intake directory.found.v1': async (message, tx) => {
    const { questionId } = (message as Message<'directory.found.v1'>).data;
    const filed = await tx.query(fileReceipt, [questionId]);
    if (filed.length === 0) throw new NotYet('the state that it is about has not arrived');
  },
  'audit request.transitioned.v1': (message, tx) => {
    const { request } = (message as Message<'request.transitioned.v1'>).data;
    tx.write(appendToLog, [`${request.id}@${request.version}`]);
  },
};

const describe = ({ type, data }: Message): string => {
  if (type === 'request.cancel.v1') {
    const { commandId, requestId } = data as Message<'request.cancel.v1'>['data'];
    return `command ${shortly(commandId)} of request ${shortly(requestId)}`;
  }
  if (type === 'directory.found.v1') {
    return `receipt of command ${shortly((data as Message<'directory.found.v1'>['data']).questionId)}`;
  }
  const { request } = data as Message<'request.transitioned.v1'>['data'];
  return `request ${shortly(request.id)} at version ${request.version}`;
};

/** The handlers of a service, which fail now and then while things go wrong. */
export const handlerOf =
  (world: World, service: ConsumerService) =>
  (type: JobType): Handler | undefined => {
    const handle = handles[`${service} ${type}`];
    if (!handle) return undefined;
    return async (messages, tx) => {
      for (const message of messages) {
        world.note(() => `${service}: handles ${world.name(message.id)}, ${describe(message)}`);
        await handle(message, tx);
        // A receipt has few tries, and those spent on waiting count: a bad moment in the last one would rightly bury it.
        if (type !== 'directory.found.v1' && world.mishap(0.05))
          throw Object.assign(new Error('a bad moment'), { name: 'HandlerFault' });
      }
    };
  };
