import { Inject, Injectable } from '@nestjs/common';
import { BucketStore, FolderStore, type ObjectStore } from '@countersign/object-store';
import { CONFIG, ServiceConfigError, type ServiceConfig } from '@countersign/service-kit';
import type { Target } from './schedule';

const bucketVariables = [
  'COUNTERSIGN_S3_ENDPOINT',
  'COUNTERSIGN_S3_BUCKET',
  'COUNTERSIGN_S3_ACCESS_KEY_ID',
  'COUNTERSIGN_S3_SECRET_ACCESS_KEY',
] as const;

/** Where this deployment lets exports be put. */
@Injectable()
export class ExportStores {
  private readonly stores = new Map<Target['type'], ObjectStore>();

  constructor(@Inject(CONFIG) { env }: ServiceConfig) {
    const folder = env.COUNTERSIGN_EXPORT_DIR?.trim();
    if (folder) this.stores.set('folder', new FolderStore(folder));
    const [endpoint, bucket, accessKeyId, secretAccessKey] = bucketVariables.map(
      (name) => env[name]?.trim() ?? '',
    );
    const missing = bucketVariables.filter((name) => !env[name]?.trim());
    if (missing.length === bucketVariables.length) return;
    if (missing.length > 0)
      throw new ServiceConfigError(`exports to a bucket need ${missing.join(', ')} as well`);
    if (!URL.canParse(endpoint ?? '') || !/^https?:\/\/[^?#]+$/.test(endpoint ?? ''))
      throw new ServiceConfigError('COUNTERSIGN_S3_ENDPOINT must be an http:// or https:// URL');
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket ?? ''))
      throw new ServiceConfigError('COUNTERSIGN_S3_BUCKET must be the name of a bucket');
    this.stores.set(
      'bucket',
      new BucketStore({
        endpoint: `${endpoint?.replace(/\/$/, '')}/${bucket}`,
        region: env.COUNTERSIGN_S3_REGION?.trim() || 'us-east-1',
        accessKeyId: accessKeyId ?? '',
        secretAccessKey: secretAccessKey ?? '',
      }),
    );
  }

  get(type: Target['type']): ObjectStore | null {
    return this.stores.get(type) ?? null;
  }
}
