export interface CallClock {
  /** Aborts when the time is over or the caller gives up. */
  signal: AbortSignal;
  ended(): 'timeout' | 'aborted' | null;
  stop(): void;
}

/** The one time limit of a call, joined with the caller's own signal. Stop it when the call is over. */
export function startCallClock(timeoutMs: number, callerSignal?: AbortSignal): CallClock {
  const controller = new AbortController();
  let ended: ReturnType<CallClock['ended']> = null;
  const end = (why: 'timeout' | 'aborted') => {
    ended ??= why;
    controller.abort();
  };
  const giveUp = () => end('aborted');
  const timer = setTimeout(end, timeoutMs, 'timeout');
  // Not AbortSignal.any: on Node 20 its results stay reachable from a caller's signal that lives on.
  if (callerSignal?.aborted) giveUp();
  else callerSignal?.addEventListener('abort', giveUp, { once: true });

  return {
    signal: controller.signal,
    ended: () => ended,
    stop() {
      clearTimeout(timer);
      callerSignal?.removeEventListener('abort', giveUp);
    },
  };
}
