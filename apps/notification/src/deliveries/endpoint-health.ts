/** How calls to an endpoint fare. Nothing is known of one that has never failed. */
export interface EndpointHealth {
  /** When the first of the attempts was made that have all failed since; null when the last one succeeded. */
  failingSince: Date | null;
  /** How many these are. */
  failures: number;
  /** Since when it fails by the last `endpoint.failing`, which no `endpoint.recovered` has followed yet. */
  toldSince: Date | null;
  /** Only `probing` is called while the circuit is open, and the next one at `probeAt`. */
  isOpen: boolean;
  probeAt: Date | null;
  probeWaitMs: number;
  probing: string | null;
}

/** What one attempt says of its endpoint. */
export interface Finding {
  deliveryId: string;
  at: Date;
  isWell: boolean;
}

export interface HealthChange {
  health: EndpointHealth;
  news: { what: 'failing' | 'recovered'; failingSince: Date }[];
  /** Every attempt has failed for so long that nobody is there any more. */
  isGivenUp: boolean;
  /** What was held may go. */
  isReleased: boolean;
}

export const wellHealth: EndpointHealth = {
  failingSince: null,
  failures: 0,
  toldSince: null,
  isOpen: false,
  probeAt: null,
  probeWaitMs: 0,
  probing: null,
};

/** Attempts in a row that fail before an endpoint counts as failing: one lost call is nothing to tell. */
export const failingAfter = 3;
/** And before its circuit may open, which it does only once more is due than can be sent: a few deliveries keep their schedule. */
export const opensAfter = 10;
/** Product §5. */
export const givenUpAfterMs = 5 * 24 * 3_600_000;

const probeMs = { first: 5_000, most: 300_000 };
/** A probe that nobody has heard of for so long was lost with its process. */
export const probeLostMs = 60_000;

/**
 * What some attempts, and the news that calls had to be put back for lack of room, make of an endpoint's health.
 * @param random 0 to 1: probes of endpoints that died together are spread
 */
export const healthAfter = (
  before: EndpointHealth,
  findings: readonly Finding[],
  isCrowded: boolean,
  now: Date,
  random: number,
): HealthChange => {
  let health = { ...before };
  const news: HealthChange['news'] = [];
  let isReleased = false;
  const inOrder = [...findings].sort((a, b) => a.at.getTime() - b.at.getTime());
  for (const { deliveryId, at, isWell } of inOrder) {
    if (isWell) {
      if (health.toldSince) news.push({ what: 'recovered', failingSince: health.toldSince });
      isReleased ||= health.isOpen;
      health = wellHealth;
      continue;
    }
    const failingSince = health.failingSince ?? at;
    health = { ...health, failingSince, failures: health.failures + 1 };
    if (!health.toldSince && health.failures >= failingAfter) {
      news.push({ what: 'failing', failingSince });
      health.toldSince = failingSince;
    }
    if (health.isOpen && health.probing === deliveryId) {
      const wait = Math.min(health.probeWaitMs * 2, probeMs.most);
      health = { ...health, probing: null, probeWaitMs: wait, probeAt: later(now, wait, random) };
    }
  }
  if (!health.isOpen && isCrowded && health.failures >= opensAfter) {
    const wait = probeMs.first;
    health = { ...health, isOpen: true, probing: null, probeWaitMs: wait, probeAt: later(now, wait, random) };
    isReleased = false;
  }
  const isGivenUp =
    health.failures >= failingAfter &&
    health.failingSince !== null &&
    now.getTime() - health.failingSince.getTime() >= givenUpAfterMs;
  return { health, news, isGivenUp, isReleased };
};

const later = (now: Date, ms: number, random: number): Date =>
  new Date(now.getTime() + ms * (0.9 + 0.2 * random));
