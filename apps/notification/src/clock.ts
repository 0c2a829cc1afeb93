import { Injectable } from '@nestjs/common';

/** What time it is, for what people are told and when; tests put another in its place. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
