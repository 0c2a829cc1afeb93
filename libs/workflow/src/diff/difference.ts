import { sentence } from '../wording/phrase';

/**
 * One difference in words that a business person understands. `pointer` is from the root of the newer definition, or of
 * the older one for what is gone; `stage` is the key of the stage that differs.
 */
export interface Difference {
  pointer: string;
  stage: string | null;
  message: string;
}

/** Makes a difference of a phrase. */
export function difference(pointer: string, stage: string | null, phrase: string): Difference {
  return { pointer, stage, message: sentence(phrase) };
}
