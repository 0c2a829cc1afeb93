import { list } from './phrase';

const PARTS = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const UNITS = ['week', 'day', 'hour', 'minute', 'second'];

/** An ISO 8601 duration in words: `P2D` is `2 days`, `PT36H` stays `36 hours`. Any other text comes back as it is. */
export function describeDuration(duration: string): string {
  const match = PARTS.exec(duration);
  if (!match) return duration;
  const parts = match.slice(1).flatMap((digits: string | undefined, index) => {
    const amount = Number(digits ?? 0);
    const unit = UNITS[index] ?? '';
    return amount === 0 ? [] : [`${amount} ${unit}${amount === 1 ? '' : 's'}`];
  });
  return parts.length === 0 ? 'no time' : list(parts);
}
