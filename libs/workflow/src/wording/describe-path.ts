/** A path as people call it: `payload.amount` is `amount`, `requester.region` is `the requester's region`. */
export function describePath(path: string): string {
  const [root = '', ...rest] = path.split('.');
  const member = rest.join('.');
  if (member === '') return root === 'payload' ? 'the whole payload' : root;
  if (root === 'payload') return member;
  if (root === 'requester' || root === 'request') return `the ${root}'s ${member}`;
  if (root === 'stages' && rest.length === 2 && rest[1] === 'state') return `the stage ${rest[0]}`;
  return path;
}
