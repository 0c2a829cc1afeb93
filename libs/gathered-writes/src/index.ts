export { gatherWrites } from './gathered-writes';
