import { Module, type DynamicModule, type Type } from '@nestjs/common';
import type { ConsumerService } from '@countersign/contracts';
import { EraseSubjectController } from './erase-subject.controller';
import type { Eraser } from './eraser';
import { ERASER, ERASING_SERVICE, ErasureWorker } from './erasure-worker';

/** Makes a service erase what it has of people when it is told to. */
@Module({})
export class ErasureModule {
  /** @param needs what the eraser is made of */
  static of(service: ConsumerService, eraser: Type<Eraser>, needs: Type[] = []): DynamicModule {
    return {
      module: ErasureModule,
      controllers: [EraseSubjectController],
      providers: [
        { provide: ERASING_SERVICE, useValue: service },
        { provide: ERASER, useClass: eraser },
        ErasureWorker,
        ...needs,
      ],
    };
  }
}
