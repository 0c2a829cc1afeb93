/** What was told, and whether it arrived, is kept so long; the request's own trail stays. */
const keptDays = 90;

/** Also those that stood by for chat messages: these have ended long before. */
export const forgetMails = `DELETE FROM mail WHERE id IN (
  SELECT id FROM mail WHERE created_at < now() - interval '${keptDays} days' AND state NOT IN ('pending', 'held')
   ORDER BY created_at LIMIT 5000)`;

export const forgetChats = `DELETE FROM chat_message WHERE id IN (
  SELECT id FROM chat_message WHERE created_at < now() - interval '${keptDays} days' AND state <> 'pending'
   ORDER BY created_at LIMIT 5000)`;
