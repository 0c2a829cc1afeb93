import { finalStates, type RequestState } from '@countersign/contracts';
import { NotYet, type Message } from '@countersign/messaging';

/** An earlier transition that does not come for so long is not coming: then order is kept among those that did. */
const patienceMs = 60_000;

/** Of a request that is over nothing more is to come but comments. */
const keptHours = 24;
const over: ReadonlySet<RequestState> = new Set(finalStates);

export const forgetTold = `DELETE FROM request_told WHERE request_id IN (
  SELECT request_id FROM request_told WHERE is_over AND told_at < now() - interval '${keptHours} hours'
   ORDER BY told_at LIMIT 5000)`;

interface OrderedEndpoint {
  workspaceId: string;
  orderedSince: string | null;
}

/**
 * Transitions of a request may overtake each other on their way. Where an endpoint wants their events in order, one that came
 * too early is left until the one before it has been told. Versions of a request have no gaps.
 */
export class TransitionOrder {
  private readonly since = new Map<string, number>();
  private readonly told: Map<string, number>;
  private readonly moved = new Map<string, { workspaceId: string; version: number; isOver: boolean }>();

  constructor(ordered: readonly OrderedEndpoint[], told: ReadonlyMap<string, number>) {
    for (const { workspaceId, orderedSince } of ordered) {
      const at = orderedSince === null ? Infinity : Date.parse(orderedSince);
      this.since.set(workspaceId, Math.min(at, this.since.get(workspaceId) ?? Infinity));
    }
    this.told = new Map(told);
  }

  /** Counts a transition as told; those of a request in the order of their versions. Throws NotYet when it is too early. */
  tell({ workspaceId, occurredAt, data }: Message<'request.transitioned.v1'>, now: number): void {
    const since = this.since.get(workspaceId);
    if (since === undefined) return;
    const { request, events } = data;
    const known = this.told.get(request.id);
    const createdAt = Date.parse(request.createdAt);
    const isOver = over.has(request.state);
    // What was told of a request that is over may have been forgotten.
    const isForgotten = isOver && createdAt < now - keptHours * 3_600_000;
    const isMissing =
      known === undefined
        ? !events.some(({ type }) => type === 'request.created') && createdAt >= since && !isForgotten
        : request.version > known + 1;
    if (isMissing && now - Date.parse(occurredAt) < patienceMs)
      throw new NotYet(`an earlier transition than ${request.version} has not arrived`);
    const version = Math.max(request.version, known ?? 0);
    this.told.set(request.id, version);
    const wasOver = this.moved.get(request.id)?.isOver ?? false;
    this.moved.set(request.id, { workspaceId, version, isOver: isOver || wasOver });
  }

  /** What has been told by now. */
  get progress(): { requestId: string; workspaceId: string; version: number; isOver: boolean }[] {
    return [...this.moved].map(([requestId, moved]) => ({ requestId, ...moved }));
  }
}
