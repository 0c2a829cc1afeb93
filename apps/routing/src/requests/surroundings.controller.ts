import { Controller } from '@nestjs/common';
import type { ResolvedApprover } from '@countersign/contracts';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { RequestCommands } from './request-commands';

/** Both the holder of a vote and whose it is must still be there. */
const namedBy = ({ person, version, onBehalfOf, onBehalfOfVersion }: ResolvedApprover) => [
  { personId: person.id, version: version ?? null },
  ...(onBehalfOf ? [{ personId: onBehalfOf.id, version: onBehalfOfVersion ?? null }] : []),
];

const system = { type: 'system', id: null, via: null } as const;

/** What the rest of the world has to say to requests: the directory, the clock, people who leave. */
@Controller()
export class SurroundingsController {
  constructor(private readonly commands: RequestCommands) {}

  @Handles('approvers.resolved.v1')
  approversResolved(messages: Message<'approvers.resolved.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => {
        const { requestId, resolutionId, stageKey, approvers, skipped, note, evidence } = message.data;
        return {
          message,
          requestId,
          named: approvers.flatMap(namedBy),
          command: {
            type: 'approversResolved',
            actor: system,
            resolutionId,
            stageKey,
            outcome: { approvers, skipped, note: note ?? undefined, evidence },
            resolvedAt: message.occurredAt,
          },
        };
      }),
      tx,
    );
  }

  @Handles('request.delegations.v1')
  delegations(messages: Message<'request.delegations.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        requestId: message.data.requestId,
        command: { type: 'delegationsChanged', actor: system, personId: message.data.personId },
      })),
      tx,
    );
  }

  @Handles('request.tick.v1')
  tick(messages: Message<'request.tick.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        requestId: message.data.requestId,
        command: { type: 'tick', actor: system },
      })),
      tx,
    );
  }

  @Handles('request.person-left.v1')
  personLeft(messages: Message<'request.person-left.v1'>[], tx: Tx): Promise<void> {
    return this.commands.carryOut(
      messages.map((message) => ({
        message,
        requestId: message.data.requestId,
        command: { type: 'personLeft', actor: system, personId: message.data.personId },
      })),
      tx,
    );
  }
}
