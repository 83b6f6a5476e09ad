// How long a peer is waited for. On a LAN that is a question of how busy it is; a satellite is 600 ms away, and who waits
// no longer than on a LAN never hears its answer.

/** One to open a stream, one for the answer; and the same again for a packet that is lost on the way. */
const ROUND_TRIPS = 4;
/** No way on this planet is longer. */
const PATIENCE_MAX_MS = 5_000;

/**
 * @param leastMs on a LAN
 * @param rttMs the shortest that was measured
 */
export function patience(leastMs: number, rttMs = 0): number {
  return Math.max(leastMs, Math.min(rttMs * ROUND_TRIPS, PATIENCE_MAX_MS));
}
