export { ObjectStoreError, segmentsOf, type ObjectStore, type ObjectStoreErrorCode } from './object-store';
export { FolderStore } from './folder-store';
export { BucketStore, type BucketOptions } from './bucket-store';
