const members = {
  id: { type: 'string', format: 'uuid' },
  name: { type: 'string' },
  kind: { type: 'string', enum: ['live', 'sandbox'] },
};

export const workspaceSchema = { type: 'object', required: Object.keys(members), properties: members };

/** A workspace as it is answered once, with the first key in it. */
export const createdWorkspaceSchema = {
  type: 'object',
  required: [...Object.keys(members), 'adminKey'],
  properties: { ...members, adminKey: { type: 'string', pattern: '^cs_(live|test)_[A-Za-z0-9_-]{43}$' } },
};
