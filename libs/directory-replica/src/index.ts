export { DirectoryReplicaModule } from './directory-replica.module';
export { createDirectoryReplicaTables, forgetDirectoryQuestions } from './directory-replica.tables';
export { People, type Sightings } from './people';
export { forgetPerson } from './forget-person';
