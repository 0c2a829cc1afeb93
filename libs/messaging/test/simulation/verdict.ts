import type { DeadLetter } from '../../src/ports';
import type { Aggregate, Command } from './application';
import type { SimulatedBroker } from './simulated-broker';
import type { SimulatedDatabase } from './simulated-database';

export interface Remains {
  broker: SimulatedBroker;
  intake: SimulatedDatabase;
  routing: SimulatedDatabase;
  audit: SimulatedDatabase;
}

/** What is not there exactly once although it should be, and what should not be there. */
const exactlyOnce = (what: string, wanted: Iterable<string>, found: Iterable<string>): string[] => {
  const times = new Map<string, number>();
  for (const one of found) times.set(one, (times.get(one) ?? 0) + 1);
  const violations: string[] = [];
  for (const one of wanted) {
    const count = times.get(one) ?? 0;
    if (count !== 1) violations.push(`${what} ${one}: ${count === 0 ? 'lost' : `${count} times`}`);
    times.delete(one);
  }
  return [...violations, ...[...times.keys()].map((one) => `${what} ${one}: out of nothing`)];
};

const describe = ([id, { version, entries }]: [string, Aggregate]): string =>
  `${id}@${version}: ${entries.join(' ')}`;

const versionsOf = ([id, { version }]: [string, Aggregate]): string[] =>
  Array.from({ length: version }, (_, index) => `${id}@${index + 1}`);

const lettersOf = (database: SimulatedDatabase): string[] =>
  [...database.rows<DeadLetter>('dead_letter').values()].map(({ envelope, error }) => {
    const data = envelope?.data as Partial<{ commandId: string }> | undefined;
    return error === 'PoisonMessage: never' && data?.commandId
      ? data.commandId
      : `${envelope?.type}: ${error}`;
  });

/** What is still on its way: messages that are not settled, jobs, open transactions. Empty when all is quiet. */
export const unfinished = ({ broker, ...databases }: Remains): string[] => [
  ...Object.entries(databases).flatMap(([name, database]) => [
    ...(database.rows('outbox').size > 0 ? [`outbox of ${name}: ${database.rows('outbox').size}`] : []),
    ...(database.transactions.size > 0 ? [`transactions of ${name}: ${database.transactions.size}`] : []),
  ]),
  ...[...broker.queues].flatMap(([name, { jobs }]) =>
    jobs.size > 0 ? [`jobs of ${name}: ${jobs.size}`] : [],
  ),
];

/** Everything that is wrong with what the databases hold once all is quiet. */
export const violationsOf = ({ intake, routing, audit }: Remains): string[] => {
  const commands = [...intake.rows<Command>('command').values()];
  const idsOf = (isPoison: boolean) =>
    commands.filter((command) => command.isPoison === isPoison).map(({ id }) => id);
  const requests = [...routing.rows<Aggregate>('request')];
  return [
    ...exactlyOnce(
      'command',
      idsOf(false),
      requests.flatMap(([, { entries }]) => entries),
    ),
    ...exactlyOnce(
      'receipt',
      commands.filter(({ isPoison, isQuiet }) => !isPoison && !isQuiet).map(({ id }) => id),
      intake.rows<string>('receipt').values(),
    ),
    ...exactlyOnce('transition', requests.flatMap(versionsOf), audit.rows<string>('log').values()),
    ...exactlyOnce(
      'newest state',
      requests.map(describe),
      [...intake.rows<Aggregate>('newest')].map(describe),
    ),
    ...exactlyOnce('dead letter', idsOf(true), [intake, routing, audit].flatMap(lettersOf)),
  ];
};
