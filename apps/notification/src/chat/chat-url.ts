/** What a channel's URL is sealed for: whoever has it can post there. */
export const chatUrlContext = (channelId: string): string => `chat-channel:${channelId}`;
