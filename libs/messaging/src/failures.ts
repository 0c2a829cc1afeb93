/** The message can never be handled: it becomes a dead letter without further tries. */
export class PoisonMessage extends Error {
  override name = 'PoisonMessage';
}

/**
 * Something that this message needs has not arrived yet. It is tried again, and then left unsettled, so that
 * its sender keeps it and sends it again: never a dead letter, never lost.
 */
export class NotYet extends Error {
  override name = 'NotYet';
}

/** The transaction could not run through no fault of the message (database away): try again, counting nothing. */
export class Postpone extends Error {
  override name = 'Postpone';
}
