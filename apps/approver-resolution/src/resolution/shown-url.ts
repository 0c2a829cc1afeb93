/** A URL as people are shown it: the query may hold what is not for them. */
export const shownUrl = (url: string): string => {
  if (!URL.canParse(url)) return 'the resolver webhook';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};
