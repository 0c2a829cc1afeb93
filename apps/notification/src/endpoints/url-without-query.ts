/** A URL as it may be kept: its query and credentials may be secrets. */
export const urlWithoutQuery = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};
