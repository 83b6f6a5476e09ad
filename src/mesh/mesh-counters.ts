// What the mesh counts since its start, for metrics.

export interface MeshCounters {
  heartbeatsSent: number;
  heartbeatsHeard: number;
  /** Old, repeated, unreadable, or of nobody we know. */
  heartbeatsRefused: number;
  suspicions: number;
  deaths: number;
  revivals: number;
  probes: number;
  dials: number;
  dialFailures: number;
  strangersRefused: number;
}

export function newCounters(): MeshCounters {
  return {
    heartbeatsSent: 0,
    heartbeatsHeard: 0,
    heartbeatsRefused: 0,
    suspicions: 0,
    deaths: 0,
    revivals: 0,
    probes: 0,
    dials: 0,
    dialFailures: 0,
    strangersRefused: 0,
  };
}
