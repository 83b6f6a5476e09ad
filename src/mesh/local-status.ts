// What a node tells the others of itself, and how it learns that.

/** `overloaded`: takes nothing more for now. `draining`: takes nothing more before it ends. */
export type NodeState = 'up' | 'draining' | 'overloaded';

export interface ModelStatus {
  /** As clients ask for it. */
  readonly model: string;
  readonly contextLength?: number;
  /** Smoothed. */
  readonly ttftMs?: number;
  readonly tokensPerSecond?: number;
  /** Of recent attempts, from 0 to 1. */
  readonly errorRate?: number;
  /** Absent: closed. */
  readonly breaker?: 'open' | 'half-open';
}

/** Asked for at every heartbeat: it must be cheap. */
export interface LocalStatus {
  readonly state: NodeState;
  readonly inFlight: number;
  readonly queued: number;
  /** Requests that may run at once. */
  readonly capacity: number;
  /** Requests a minute that its accounts still allow; absent: not known. */
  readonly headroom?: number;
  readonly models: readonly ModelStatus[];
  /** Of the change logs; other nodes compare it with theirs. Short. */
  readonly replicationDigest?: string;
}
