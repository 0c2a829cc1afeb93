import { Problem } from '@countersign/service-kit';

/** Streams that one process makes at the same time: each holds two pages in memory and keeps the database busy. */
const mostStreams = 16;
const mostOfWorkspace = 4;

const tooMany = () =>
  new Problem('rate_limited', 'Too many exports are running. Try again when one has ended.', {
    headers: { 'retry-after': '10' },
  });

/** Who may stream right now, so that no workspace takes all of it. */
export class ExportSlots {
  private readonly taken = new Map<string, number>();
  private all = 0;

  /** Takes a slot; the answer gives it back, once. Throws Problem rate_limited. */
  take(workspaceId: string): () => void {
    const own = this.taken.get(workspaceId) ?? 0;
    if (this.all >= mostStreams || own >= mostOfWorkspace) throw tooMany();
    this.all += 1;
    this.taken.set(workspaceId, own + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.all -= 1;
      const left = (this.taken.get(workspaceId) ?? 1) - 1;
      if (left > 0) this.taken.set(workspaceId, left);
      else this.taken.delete(workspaceId);
    };
  }
}
