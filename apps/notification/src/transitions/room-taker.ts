/** Takes room one call at a time, so that what is handled together is counted together; false when there is none left. */
export const roomTaker = (roomFor: (key: string) => number): ((key: string) => boolean) => {
  const left = new Map<string, number>();
  return (key) => {
    const room = left.get(key) ?? roomFor(key);
    left.set(key, room - 1);
    return room > 0;
  };
};
