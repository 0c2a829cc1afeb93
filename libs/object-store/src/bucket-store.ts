import { S3mini, S3NetworkError, S3ServiceError } from 's3mini';
import { ObjectStoreError, segmentsOf, type ObjectStore } from './object-store';

export interface BucketOptions {
  /** URL with the bucket as path: `https://s3.example.com/exports`. */
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Parts have 5 MiB or more, but for the last, and are 10,000 at most (S3, "multipart upload limits"). */
const partBytes = 8 * 1024 * 1024;
/** For one part, in milliseconds. */
const patienceMs = 120_000;

/** Files in a bucket of an S3-compatible service. A file is there when its last part has been put, never before. */
export class BucketStore implements ObjectStore {
  private readonly bucket: S3mini;

  constructor({ endpoint, region, accessKeyId, secretAccessKey }: BucketOptions) {
    this.bucket = new S3mini({
      endpoint,
      region,
      accessKeyId,
      secretAccessKey,
      requestAbortTimeout: patienceMs,
      // Whoever answers may not send us, and what we have, elsewhere.
      fetch: (url, init) =>
        fetch(url, { ...init, redirect: 'error' }).catch(() => {
          throw new ObjectStoreError('unavailable', 'the bucket cannot be reached');
        }),
    });
  }

  async put(key: string, chunks: AsyncIterable<Buffer>, mediaType: string): Promise<void> {
    const name = segmentsOf(key).join('/');
    const parts = partsOf(chunks)[Symbol.asyncIterator]();
    const first = await parts.next();
    const second = first.done ? first : await parts.next();
    try {
      if (second.done) {
        await this.bucket.putObject(name, first.done ? Buffer.alloc(0) : first.value, mediaType);
        return;
      }
      await this.putParts(name, mediaType, [first.value as Buffer, second.value], parts);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  private async putParts(
    name: string,
    mediaType: string,
    begun: readonly Buffer[],
    rest: AsyncIterator<Buffer>,
  ): Promise<void> {
    const upload = await this.bucket.getMultipartUploadId(name, mediaType);
    try {
      const done: { partNumber: number; etag: string }[] = [];
      const add = async (part: Buffer) =>
        void done.push(await this.bucket.uploadPart(name, upload, part, done.length + 1));
      for (const part of begun) await add(part);
      for (let next = await rest.next(); !next.done; next = await rest.next()) await add(next.value);
      await this.bucket.completeMultipartUpload(name, upload, done);
    } catch (error) {
      // What stays is nobody's file; a lifecycle rule of the bucket may clear what this cannot.
      await this.bucket.abortMultipartUpload(name, upload).catch(() => undefined);
      throw error;
    }
  }
}

async function* partsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < partBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

/** Their bodies may quote what was sent; a code and a status say enough. */
const asStoreError = (error: unknown): unknown => {
  if (error instanceof S3ServiceError) {
    const { status, serviceCode } = error;
    const refused = status >= 400 && status < 500 && status !== 408 && status !== 429;
    return new ObjectStoreError(
      refused ? 'refused' : 'unavailable',
      `the bucket answered ${status} ${serviceCode ?? ''}`.trim(),
    );
  }
  if (error instanceof S3NetworkError)
    return new ObjectStoreError('unavailable', 'the bucket cannot be reached');
  return error;
};
