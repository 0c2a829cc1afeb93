import { readerOf } from '@countersign/reader';
import type { Audience } from '../audience/audience';
import { mailTexts } from '../mail/texts';
import type { ChatChannelRow } from './chat-channel';
import { rendered } from './plan-chat';

/** What a channel is posted to try it, in the language of its readers; as it is sent. */
export const testMessage = (
  { name, format, user_id }: ChatChannelRow,
  workspaceId: string,
  audience: Audience,
): string => {
  const workspace = audience.workspace(workspaceId);
  const { language } = readerOf(user_id === null ? null : audience.reading(workspaceId, user_id), workspace);
  const { subject, sentence } = mailTexts[language].channel.tested(name, workspace.name);
  return rendered[format](
    {
      subject,
      greeting: '',
      sentences: [sentence],
      facts: [],
      summary: [],
      decisions: [],
      decide: null,
      links: [],
    },
    language,
  );
};
