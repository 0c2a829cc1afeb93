/** The bytes that every Standard Webhooks scheme signs: `id.timestamp.body`. */
export function signedContent(id: string, timestamp: number | string, body: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`, 'utf8'), Buffer.from(body as Uint8Array)]);
}
