import { DueSweeper } from '@countersign/due-sweeper';
import { emptyFrontier } from '@countersign/merkle-log';
import type { UnitOfWork } from '@countersign/messaging';
import { Database, isTransientFault } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AuditLog } from '../log/audit-log';
import { checkLog, type Look } from './check-log';
import { endFindings, storeFindings, type Tampering } from './finding.rows';
import { readHeadAtOnce, type HeadAtOnce } from './head.rows';
import { SelfCheckMetrics } from './self-check.metrics';
import { claimNext, readTotals, settleClaim, takeUpNewLogs, type Claim } from './self-check.rows';
import { SelfCheckSettings } from './self-check.settings';
import { tellFindings } from './tell-findings';

/** Of one look: what it may take of the process and of the database. */
const budget = { entries: 2_000, ms: 2_000 };
/** While there is more to check, at most one part in five of the time is spent on it. */
const restFactor = 4;
const leastRestMs = 20;
const takeUpEveryMs = 5_000;

/**
 * Checks every log again and again: what is new, and in passes everything. The processes of the service share the work:
 * each claims one log at a time. What is found is told once.
 */
@Injectable()
export class SelfCheck implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;
  private readonly metrics: SelfCheckMetrics;
  private takenUpAt = 0;

  constructor(
    private readonly database: Database,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) private readonly logger: Log,
    private readonly settings: SelfCheckSettings,
    private readonly log: AuditLog,
    registry: Registry,
  ) {
    this.metrics = new SelfCheckMetrics(registry, () => everyWorkspace.everywhere(readTotals));
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => logger.warn({ err: error }, 'checking the log'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  private async sweep(): Promise<number | null> {
    if (Date.now() - this.takenUpAt >= takeUpEveryMs) {
      await this.everyWorkspace.everywhere(takeUpNewLogs);
      this.takenUpAt = Date.now();
    }
    const claim = await this.everyWorkspace.everywhere(claimNext);
    if (!claim) return null;
    const began = Date.now();
    const look = await this.look(claim);
    const restMs = Math.max(leastRestMs, (Date.now() - began) * restFactor);
    await this.settle(claim, look, restMs);
    return restMs;
  }

  /** Null when entries were pruned meanwhile: then what is missing need not be. */
  private look(claim: Claim): Promise<Look | null> {
    const { workspaceId } = claim;
    return this.database.read(workspaceId, async (sql) => {
      const head = await readHeadAtOnce(sql, workspaceId);
      const log = { workspaceId, head, logKey: (of: HeadAtOnce) => this.log.verifierKey(workspaceId, of) };
      // What is new is checked first; a pass looks at all of it once more.
      const progress = { ...claim, pass: beginsPass(claim) ? emptyFrontier() : claim.pass };
      const look = await checkLog(sql, log, progress, budget);
      if (claim.isUnreadable)
        look.findings.push({
          kind: 'progress',
          index: 0n,
          detail: 'What the self-check remembers of the log cannot be read: it begins anew.',
        });
      if (look.findings.length === 0) return look;
      const now = await readHeadAtOnce(sql, workspaceId);
      return now?.firstIndex === head?.firstIndex ? look : null;
    });
  }

  private async settle(claim: Claim, look: Look | null, restMs: number): Promise<void> {
    const { intervalMs, passMs } = this.settings;
    const begins = beginsPass(claim) && look !== null;
    const hasMore = !look?.isUpToDate || look.pass !== null || (claim.isPassDue && !begins);
    const outcome = {
      tail: look ? look.tail : claim.tail,
      known: look ? look.known : claim.known,
      pass: look ? look.pass : claim.pass,
      hasPassed: look?.hasPassed ?? false,
      nextInMs: hasMore ? Math.min(intervalMs, restMs) : intervalMs,
      soonInMs: Math.min(intervalMs, restMs),
      nextPassInMs: passMs,
    };
    this.metrics.looked(look?.examined ?? 0);
    const settled = { ...claim, isPassDue: begins };
    const findings = look?.findings ?? [];
    const write = (log: AuditLog | null) =>
      this.unitOfWork([claim.workspaceId], async (tx): Promise<Tampering[]> => {
        if (!(await settleClaim(tx, settled, outcome))) return [];
        const fresh = await storeFindings(tx, claim.workspaceId, findings);
        if (outcome.hasPassed) await endFindings(tx, claim.workspaceId);
        if (fresh.length > 0) await tellFindings(tx, claim.workspaceId, fresh, log);
        return fresh;
      });
    const told = await write(this.log).catch((error: unknown) => {
      // A log that was tampered with may not take entries any more; everybody else can be told.
      if (findings.length === 0 || isTransientFault(error)) throw error;
      this.logger.error({ err: error, workspaceId: claim.workspaceId }, 'the log takes no entries');
      return write(null);
    });
    for (const { kind, index, detail } of told)
      this.logger.error(
        { workspaceId: claim.workspaceId, kind, index },
        `the audit log was tampered with: ${detail}`,
      );
  }
}

/** One that is due waits for the one before to end: else a long log would never be read to its end. */
const beginsPass = ({ isPassDue, tail, pass }: Claim): boolean => isPassDue && tail !== null && pass === null;
