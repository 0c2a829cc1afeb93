import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { LOG, type AnswerStream, type Log } from '@countersign/service-kit';
import { entryStream, type EntryStreamOptions, type Sent } from './entry-stream';
import { ExportSlots } from './export-slots';

/** A caller that takes nothing for this long is gone, in milliseconds. */
const patienceMs = 120_000;

const trailerNames = [
  'countersign-export-entries',
  'countersign-export-last-index',
  'content-digest',
] as const;

/** The exports that this process is sending. */
@Injectable()
export class RunningExports implements OnModuleDestroy {
  private readonly slots = new ExportSlots();
  private readonly running = new Set<AbortController>();

  constructor(@Inject(LOG) private readonly log: Log) {}

  /** Room for one more. Throws Problem rate_limited. */
  admit(workspaceId: string): () => void {
    return this.slots.take(workspaceId);
  }

  /** The export as the body of an answer; `release` is called when it is over, in whatever way. */
  stream(options: EntryStreamOptions, release: () => void, about: Record<string, unknown>): AnswerStream {
    const stop = new AbortController();
    this.running.add(stop);
    const sent: Sent = { entries: 0, bytes: 0, last: null, digest: null };
    const { log } = this;
    async function* chunks(): AsyncGenerator<Buffer, void, void> {
      let patience: NodeJS.Timeout | undefined;
      try {
        for await (const chunk of entryStream(options, sent)) {
          patience = setTimeout(() => stop.abort(new Error('nobody takes it')), patienceMs);
          yield chunk;
          clearTimeout(patience);
        }
      } catch (error) {
        log.error({ err: error, ...about, entries: sent.entries }, 'an export was cut off');
        throw error;
      } finally {
        clearTimeout(patience);
      }
    }
    return {
      chunks: chunks(),
      signal: stop.signal,
      ended: () => {
        this.running.delete(stop);
        release();
      },
      trailerNames,
      // What RFC 9530 says about the whole body, and what a reader needs to go on from here another time.
      trailers: () => ({
        'Countersign-Export-Entries': String(sent.entries),
        'Countersign-Export-Last-Index': String(options.range.to - 1),
        'Content-Digest': `sha-256=:${sent.digest}:`,
      }),
    };
  }

  /** A service that stops cuts its exports off: callers see it, and go on elsewhere. */
  onModuleDestroy(): void {
    for (const stop of this.running) stop.abort(new Error('the service stops'));
  }
}
