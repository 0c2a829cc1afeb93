import { Injectable } from '@nestjs/common';
import type { Identity } from '@countersign/service-kit';
import { Database } from '@countersign/persistence';
import { hashOf, type WorkspaceKind } from './api-key';

/** A key that was valid when the database was last asked. */
export interface KnownKey {
  identity: Omit<Identity, 'actor' | 'scheme'>;
  expiresAt: number;
  /** Signed identities by scheme and actor ref; they go when the key is looked up again. */
  tokens: Map<string, { token: string; renewAt: number }>;
}

type Row = {
  key_id: string;
  key_name: string;
  scopes: Identity['key']['scopes'];
  workflows: string[] | null;
  expires_at: Date | null;
  workspace_id: string;
  workspace_name: string;
  workspace_kind: WorkspaceKind;
};

/** How long a key may be used without asking again, in milliseconds: revocation must hold within 10 s everywhere. */
const trustMs = 5_000;
const mostCached = 10_000;

/**
 * Finds keys by hash. That there is a key is remembered for 5 s, also while the database is away; that there is none
 * never is, so that a new key works in the very next call.
 */
@Injectable()
export class KeyLookup {
  private readonly known = new Map<string, { key: KnownKey; trustedUntil: number }>();
  private readonly running = new Map<string, Promise<KnownKey | null>>();
  /** Counts removals: a lookup that was under way during one may have read the key before it was revoked. */
  private removals = 0;

  constructor(private readonly database: Database) {}

  /** The key if it can be told without asking the database. */
  recall(secret: string): KnownKey | null {
    const entry = this.known.get(hashOf(secret).toString('base64'));
    if (!entry) return null;
    const now = Date.now();
    return entry.trustedUntil > now && entry.key.expiresAt > now ? entry.key : null;
  }

  /** The key, or null when there is none, or it is expired or revoked. Throws when the database is away. */
  async find(secret: string): Promise<KnownKey | null> {
    const hash = hashOf(secret);
    const name = hash.toString('base64');
    let lookup = this.running.get(name);
    if (!lookup) {
      lookup = this.ask(hash, name).finally(() => this.running.delete(name));
      this.running.set(name, lookup);
    }
    return lookup;
  }

  /** The key has been revoked here: it ends at once. Other gateways notice within the 5 s. */
  forget(keyId: string): void {
    this.removals++;
    for (const [name, { key }] of this.known) if (key.identity.key.id === keyId) this.known.delete(name);
  }

  private async ask(hash: Buffer, name: string): Promise<KnownKey | null> {
    const askedAt = Date.now();
    const { removals } = this;
    const [row] = await this.database.transaction([], (sql) =>
      sql.query<Row>('SELECT * FROM find_key($1)', [hash]),
    );
    if (!row) {
      this.known.delete(name);
      return null;
    }
    const key: KnownKey = {
      identity: {
        workspace: { id: row.workspace_id, name: row.workspace_name, kind: row.workspace_kind },
        key: { id: row.key_id, name: row.key_name, scopes: row.scopes, workflows: row.workflows },
      },
      expiresAt: row.expires_at?.getTime() ?? Infinity,
      tokens: new Map(),
    };
    if (removals === this.removals) {
      if (this.known.size >= mostCached) this.known.clear();
      this.known.set(name, { key, trustedUntil: askedAt + trustMs });
    }
    return key;
  }
}
