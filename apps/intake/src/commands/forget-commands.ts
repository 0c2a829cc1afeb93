/** Forgets the outcome of commands that were settled a month ago; the request's own trail stays. */
export const forgetCommands = `DELETE FROM command WHERE id IN (
  SELECT id FROM command WHERE created_at < now() - interval '30 days' AND state <> 'pending' ORDER BY created_at LIMIT 5000)`;
