import type { ExportFormat } from './export-format';

const quoted = (value: string | null): string => (value === null ? 'null' : `"${value}"`);

/** Entries exactly as `GET /v1/audit/entries` shows them, one a line. */
export const ndjson: ExportFormat = {
  mediaType: 'application/x-ndjson',
  extension: 'ndjson',
  head: '',
  line: ({ index, id, type, at, requestId, requestVersion, content, sealed, leafHash }) =>
    `{"index":${index},"id":"${id}","type":${JSON.stringify(type)},"at":"${at}","requestId":${quoted(requestId)},` +
    `"requestVersion":${requestVersion},"content":${content},"sealed":${sealed},"leafHash":"${leafHash}"}\n`,
};
