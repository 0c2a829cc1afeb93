import { IsTime } from '@countersign/service-kit';

/** Requests created from `from` on and before `to`. */
export class ReplayBody {
  @IsTime() from: string;
  @IsTime() to: string;
}
