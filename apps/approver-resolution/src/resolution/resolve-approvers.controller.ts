import { Controller } from '@nestjs/common';
import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { resolverBodies } from '../resolver-webhook/resolver-bodies';
import { announceCalls } from '../resolver-webhook/resolver-call.store';
import type { AnsweredQuestion } from './resolution-question';
import { questionOf } from './resolution-question';
import { insertResolutions, publishOutcome } from './resolution.store';
import { resolveSources } from './resolve-sources';

/** Finds out who must approve a stage. */
@Controller()
export class ResolveApproversController {
  @Handles('approvers.resolve.v1')
  async resolve(messages: Message<'approvers.resolve.v1'>[], tx: Tx): Promise<void> {
    const asked = [...new Map(messages.map((message) => [message.data.resolutionId, message])).values()].map(
      (message) => ({ message, question: questionOf(message) }),
    );
    const isOutside = ({ question }: (typeof asked)[number]) =>
      question.sources.some(({ kind }) => kind === 'webhook');
    const outside = asked.filter(isOutside);
    const inside = asked
      .filter((one) => !isOutside(one))
      .map(({ message, question }): AnsweredQuestion => ({ question, answers: {}, cause: causeOf(message) }));

    const outcomes = await resolveSources(tx, inside);
    const settled = inside.flatMap((answered, index) => {
      const outcome = outcomes[index];
      return outcome ? [{ answered, question: answered.question, outcome }] : [];
    });
    const fresh = await insertResolutions(tx, [
      ...settled,
      ...outside.map(({ question }) => ({ question, outcome: null })),
    ]);
    for (const { answered, outcome } of settled) {
      if (fresh.has(answered.question.resolutionId)) publishOutcome(tx, answered, outcome);
    }
    await announceCalls(
      tx,
      outside
        .filter(({ question }) => fresh.has(question.resolutionId))
        .map(({ question, message }) => ({
          question,
          ...resolverBodies(message, question.sources),
          cause: causeOf(message),
        })),
    );
  }
}
