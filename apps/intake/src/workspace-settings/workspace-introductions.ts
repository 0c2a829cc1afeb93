import { Inject, Injectable } from '@nestjs/common';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { UNIT_OF_WORK, type Call } from '@countersign/service-kit';
import { settingsView } from './workspace-settings';
import { findSettings, lockSettings, storeSettings } from './workspace-settings.rows';

const mostKnown = 100_000;

/** Only calls say what a workspace is called: the first one in each process passes it on to whoever writes to its people. */
@Injectable()
export class WorkspaceIntroductions {
  private readonly introduced = new Set<string>();

  constructor(
    private readonly database: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {}

  async introduce({ identity: { workspace }, cause }: Call): Promise<void> {
    if (this.introduced.has(workspace.id)) return;
    const known = await this.database.read(workspace.id, (sql) => findSettings(sql, workspace.id));
    if (known.name !== workspace.name) {
      await this.unitOfWork([workspace.id], async (tx) => {
        const settings = await lockSettings(tx, workspace.id, workspace.name);
        const data = settingsView(
          await storeSettings(tx, workspace.id, { ...settings, name: workspace.name }),
        );
        tx.publish({ type: 'workspace.described.v1', workspaceId: workspace.id, cause, data });
      });
    }
    if (this.introduced.size >= mostKnown) this.introduced.clear();
    this.introduced.add(workspace.id);
  }
}
