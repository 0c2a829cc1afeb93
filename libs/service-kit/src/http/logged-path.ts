/** A path as it may stand in a log: that of a decision link is the right to decide, and a log is read by many. */
export const loggedPath = (path: string): string => path.replace(/^(\/+decide)\/.*$/is, '$1/…');
