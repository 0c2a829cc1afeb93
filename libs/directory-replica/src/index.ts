export { DirectoryReplicaModule } from './directory-replica.module';
export { createDirectoryReplicaTables } from './directory-replica.tables';
export { People } from './people';
