/** Embeddings, overrides and isolates (Unicode UAX #9 §2): they would turn the direction of what stands around them. */
const turning = /[\u202a-\u202e\u2066-\u2069]/gu;
/** But for line ends and tabs: readers show them as anything, PostgreSQL refuses one of them. */
const controls = /[^\P{Cc}\n\t]/gu;

/** Without what nobody can see and what makes other things look different. */
export const readable = (text: string): string =>
  text.replace(controls, '').replace(turning, '').toWellFormed();

/** The same on one line. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(turning, '')
    .trim()
    .toWellFormed();
