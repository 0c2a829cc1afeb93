import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { workspacePatterns } from './channel-events';
import { chatFormats, type ChatFormat } from './chat-channel';

const isGiven = (_: object, value: unknown): boolean => value !== undefined;

const notPosted = {
  each: true,
  message: `each of events must be something that is posted: ${workspacePatterns.join(', ')}`,
};

abstract class ChatChannelOptions {
  /** Keys of workflows; absent or null means all. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  workflows?: string[] | null;
  /** What it is told; not for a person's, whose preferences say. */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsIn(workspacePatterns, notPosted)
  events?: string[] | null;
}

export class CreateChatChannel extends ChatChannelOptions {
  @IsString() @IsNotEmpty() @MaxLength(200) name: string;
  @IsIn(chatFormats) format: ChatFormat;
  /** Of the incoming webhook: a secret, never shown again. */
  @IsString() @MaxLength(2048) url: string;
  /** Whose channel it is: a user's id, externalId or userName. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(320) user?: string | null;
  /** Whose members' tasks it is told of: a group's id, externalId or displayName, which is kept. */
  @IsOptional() @IsString() @IsNotEmpty() @MaxLength(320) group?: string | null;
}

/** Whose channel it is stays; `events: null` means those of a new channel. */
export class ChangeChatChannel extends ChatChannelOptions {
  @ValidateIf(isGiven) @IsString() @IsNotEmpty() @MaxLength(200) name?: string;
  @ValidateIf(isGiven) @IsIn(chatFormats) format?: ChatFormat;
  /** Of the incoming webhook: a secret, never shown again. */
  @ValidateIf(isGiven) @IsString() @MaxLength(2048) url?: string;
}
