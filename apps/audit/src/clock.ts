import { Injectable } from '@nestjs/common';

/** What time it is, for whatever acts by the clock. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
