import { csv } from './csv.format';
import type { ExportFormat, FormatName } from './export-format';
import { ndjson } from './ndjson.format';
import { ocsfOf } from './ocsf.format';

export const formatOf = (name: FormatName, workspaceId: string): ExportFormat =>
  name === 'ndjson' ? ndjson : name === 'csv' ? csv : ocsfOf(workspaceId);

export { formatNames, type ExportFormat, type FormatName } from './export-format';
