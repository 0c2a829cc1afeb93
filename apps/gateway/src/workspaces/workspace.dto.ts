import { IsIn, IsString, Length } from 'class-validator';

export class CreateWorkspace {
  @IsString() @Length(1, 200) name: string;
  @IsIn(['live', 'sandbox']) kind: 'live' | 'sandbox';
}
