import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { childSpan, type UnitOfWork } from '@countersign/messaging';
import {
  CONFIG,
  LOG,
  recordSystemFacts,
  UNIT_OF_WORK,
  type Log,
  type ServiceConfig,
  type SystemFact,
} from '@countersign/service-kit';
import { v7 } from 'uuid';
import { hashOf } from './api-key';

/** Shorter than this it may be guessed; a generated key has 51 characters. */
const safeLength = 32;

/** Makes the key of COUNTERSIGN_ADMIN_KEY work: root, in the workspace `default`. Without the variable the root key stays as it is. */
@Injectable()
export class AdminKey implements OnModuleInit {
  constructor(
    @Inject(CONFIG) private readonly config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  async onModuleInit(): Promise<void> {
    const key = this.config.env.COUNTERSIGN_ADMIN_KEY?.trim();
    if (!key) return;
    if (key.length < safeLength)
      this.log.warn(`COUNTERSIGN_ADMIN_KEY should have ${safeLength} characters or more`);
    await this.unitOfWork([], async (tx) => {
      const [made] = await tx.query<Made>('SELECT * FROM ensure_admin_key($1, $2, $3)', [
        hashOf(key),
        v7(),
        v7(),
      ]);
      if (!made) throw new Error('no row came back');
      const facts = factsOf(made);
      const cause = { correlationId: v7(), causationId: null, traceparent: childSpan(null) };
      recordSystemFacts(tx, made.home, cause, facts);
    });
  }
}

interface Made extends Record<string, unknown> {
  /** The workspace `default`. */
  home: string;
  made_workspace: boolean;
  made_key: string | null;
  revoked_keys: string[];
}

/** Of a start that has changed nothing there are none. */
const factsOf = (made: Made): SystemFact[] => [
  ...(made.made_workspace
    ? [{ type: 'workspace.created' as const, content: { workspaceId: made.home, kind: 'live' as const } }]
    : []),
  ...made.revoked_keys.map((apiKeyId) => ({
    type: 'api_key.revoked' as const,
    content: { apiKeyId, root: true },
  })),
  ...(made.made_key === null
    ? []
    : [
        {
          type: 'api_key.created' as const,
          content: {
            apiKeyId: made.made_key,
            scopes: ['admin' as const],
            workflows: null,
            expiresAt: null,
            root: true,
          },
        },
      ]),
];
