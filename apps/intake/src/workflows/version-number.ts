export const versionPosition = /^\d{1,9}$/;

/** The number of a version in a path; 0, which no version has, for what is none. */
export const versionNumber = (text: string): number => (versionPosition.test(text) ? Number(text) : 0);
