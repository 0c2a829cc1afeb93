export { DueSweeper } from './due-sweeper';
