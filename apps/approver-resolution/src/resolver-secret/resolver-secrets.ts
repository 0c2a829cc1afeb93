import { Injectable } from '@nestjs/common';
import type { Tx } from '@countersign/messaging';
import { SecretBox } from '@countersign/secret-box';
import { newSecret } from '@countersign/webhook-signature';
import { v7 } from 'uuid';

/** How long a secret still signs after it has been replaced (product §3). */
const overlapHours = 24;
/** More signatures than this no receiver needs. */
const mostInForce = 10;

const placeOf = (workspaceId: string, id: string): string => `resolver-secret:${workspaceId}:${id}`;

/** The secrets that calls to resolver webhooks are signed with, one current per workspace. */
@Injectable()
export class ResolverSecrets {
  constructor(private readonly box: SecretBox) {}

  /** Secrets in force by workspace, the newest first. A workspace gets its first one here. */
  async inForce(tx: Tx, workspaceIds: readonly string[]): Promise<Map<string, string[]>> {
    const known = await this.load(tx, workspaceIds);
    const missing = workspaceIds.filter((id) => !known.has(id)).sort();
    for (const workspaceId of missing) await this.lock(tx, workspaceId);
    const madeMeanwhile = missing.length > 0 ? await this.load(tx, missing) : new Map<string, string[]>();
    for (const workspaceId of missing) {
      known.set(workspaceId, madeMeanwhile.get(workspaceId) ?? [(await this.make(tx, workspaceId)).secret]);
    }
    return known;
  }

  /** A new secret; the one before goes on signing for a day. */
  async rotate(tx: Tx, workspaceId: string): Promise<{ id: string; secret: string }> {
    await this.lock(tx, workspaceId);
    await tx.query('DELETE FROM resolver_secret WHERE workspace_id = $1 AND retires_at <= now()', [
      workspaceId,
    ]);
    await tx.query(
      `UPDATE resolver_secret SET retires_at = now() + interval '${overlapHours} hours'
        WHERE workspace_id = $1 AND retires_at IS NULL`,
      [workspaceId],
    );
    return this.make(tx, workspaceId);
  }

  /** One at a time per workspace makes a secret. */
  private async lock(tx: Tx, workspaceId: string): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('resolver_secret ' || $1, 0))`, [
      workspaceId,
    ]);
  }

  private async make(tx: Tx, workspaceId: string): Promise<{ id: string; secret: string }> {
    const [id, secret] = [v7(), newSecret()];
    await tx.query('INSERT INTO resolver_secret (workspace_id, id, sealed) VALUES ($1, $2, $3)', [
      workspaceId,
      id,
      this.box.seal(secret, placeOf(workspaceId, id)),
    ]);
    return { id, secret };
  }

  private async load(tx: Tx, workspaceIds: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await tx.query<{ workspace_id: string; id: string; sealed: Buffer }>(
      `SELECT workspace_id, id, sealed FROM resolver_secret
        WHERE workspace_id = ANY ($1::uuid[]) AND (retires_at IS NULL OR retires_at > now())
        ORDER BY workspace_id, retires_at DESC NULLS FIRST, id DESC`,
      [workspaceIds],
    );
    const secrets = new Map<string, string[]>();
    for (const { workspace_id: workspaceId, id, sealed } of rows) {
      const list = secrets.get(workspaceId) ?? [];
      if (list.length < mostInForce)
        list.push(this.box.open(sealed, placeOf(workspaceId, id)).toString('utf8'));
      secrets.set(workspaceId, list);
    }
    return secrets;
  }
}
