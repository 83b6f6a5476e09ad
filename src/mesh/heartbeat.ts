// The heartbeat: at most one kilobyte that says how a node is. The list of its models is named by a digest and fetched
// when that changes; here stand only the measures of the models that matter most now, as many as fit.

import { createHash } from 'node:crypto';
import { asArray, asNumber, asString, isObject, type JsonObject, type JsonValue, parseObject } from '../model/json.ts';
import type { LocalStatus, ModelStatus, NodeState } from './local-status.ts';

export const HEARTBEAT_BYTES_MAX = 1_024;
/** Models whose measures are given at most. */
const MEASURED_MODELS_MAX = 12;
const DIGEST_LENGTH = 8;
const TEXT_LENGTH_MAX = 64;

export interface Heartbeat {
  /** Raised by the node itself at each start, and to refute what others believe. */
  readonly incarnation: number;
  /** Counts up within an incarnation: an old heartbeat that comes late or again says nothing. */
  readonly sequence: number;
  /** `leaving`: the last one before it ends. */
  readonly state: NodeState | 'leaving';
  /** The next one comes at the latest after this. */
  readonly intervalMs: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly capacity: number;
  readonly headroom?: number;
  /** By how much its timers come late. */
  readonly loopLagMs: number;
  /** Wall time when it was sent. */
  readonly wallMs: number;
  readonly modelsDigest: string;
  readonly measures: readonly ModelMeasure[];
  readonly membershipDigest: string;
  readonly replicationDigest?: string;
}

/** What changes from moment to moment about one model; the model by its hash. */
export type ModelMeasure = Pick<ModelStatus, 'ttftMs' | 'tokensPerSecond' | 'errorRate' | 'breaker'> & {
  readonly modelHash: string;
};

export type HeartbeatExtras = Pick<
  Heartbeat,
  'incarnation' | 'sequence' | 'intervalMs' | 'loopLagMs' | 'wallMs' | 'membershipDigest'
> & { readonly isLeaving: boolean };

/** What a node says of itself, of `status` and what the mesh adds. */
export function composeHeartbeat(status: LocalStatus, { isLeaving, ...extras }: HeartbeatExtras): Heartbeat {
  const { state, inFlight, queued, capacity, headroom, models, replicationDigest } = status;
  return {
    ...extras,
    state: isLeaving ? 'leaving' : state,
    inFlight,
    queued,
    capacity,
    ...(headroom !== undefined && { headroom }),
    modelsDigest: modelsDigest(models),
    measures: measuresOf(models),
    ...(replicationDigest !== undefined && { replicationDigest: replicationDigest.slice(0, TEXT_LENGTH_MAX) }),
  };
}

/** Equal as long as the same models are served. */
export function modelsDigest(models: readonly ModelStatus[]): string {
  const lines = models.map(({ model, contextLength = '' }) => `${model}\n${contextLength}`).sort();
  return hash(lines.join('\n'));
}

export function modelHash(model: string): string {
  return hash(model).slice(0, 6);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH);
}

/** Those with an open circuit first: whoever asks them in vain loses most. Then those in use. */
function measuresOf(models: readonly ModelStatus[]): ModelMeasure[] {
  return models
    .filter(({ ttftMs, breaker, errorRate }) => ttftMs !== undefined || breaker !== undefined || errorRate)
    .sort((a, b) => Number(b.breaker !== undefined) - Number(a.breaker !== undefined))
    .slice(0, MEASURED_MODELS_MAX)
    .map(({ model, contextLength: _fixed, ...measure }) => ({ modelHash: modelHash(model), ...measure }));
}

/** Short keys: every node hears one of these from every other each second. */
export function renderHeartbeat(heartbeat: Heartbeat): Uint8Array {
  const { measures, ...rest } = heartbeat;
  for (let count = measures.length; ; count -= 1) {
    const bytes = Buffer.from(JSON.stringify(wireOf(rest, measures.slice(0, count))));
    if (bytes.length <= HEARTBEAT_BYTES_MAX || count === 0) return bytes;
  }
}

function wireOf(heartbeat: Omit<Heartbeat, 'measures'>, measures: readonly ModelMeasure[]): JsonObject {
  return {
    v: 1,
    i: heartbeat.incarnation,
    n: heartbeat.sequence,
    s: STATES.indexOf(heartbeat.state),
    e: heartbeat.intervalMs,
    f: heartbeat.inFlight,
    q: heartbeat.queued,
    c: heartbeat.capacity,
    ...(heartbeat.headroom !== undefined && { h: Math.round(heartbeat.headroom) }),
    l: Math.round(heartbeat.loopLagMs),
    w: Math.round(heartbeat.wallMs),
    d: heartbeat.modelsDigest,
    m: heartbeat.membershipDigest,
    ...(heartbeat.replicationDigest !== undefined && { r: heartbeat.replicationDigest }),
    p: measures.map(wireOfMeasure),
  };
}

const STATES: readonly Heartbeat['state'][] = ['up', 'draining', 'overloaded', 'leaving'];
const BREAKERS = [undefined, 'open', 'half-open'] as const;

function wireOfMeasure({ modelHash, ttftMs, tokensPerSecond, errorRate = 0, breaker }: ModelMeasure): JsonValue[] {
  return [
    modelHash,
    ttftMs === undefined ? -1 : Math.round(ttftMs),
    tokensPerSecond === undefined ? -1 : Math.round(tokensPerSecond),
    Math.round(errorRate * 100),
    BREAKERS.indexOf(breaker),
  ];
}

/** Undefined for what is none, or too long to be one. */
export function parseHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  if (bytes.length > HEARTBEAT_BYTES_MAX) return undefined;
  const wire = parseObject(Buffer.from(bytes).toString());
  if (wire?.v !== 1) return undefined;
  const state = STATES[asNumber(wire.s) ?? -1];
  const numbers = readCounts(wire);
  const digests = [wire.d, wire.m].map((digest) => asString(digest)?.slice(0, TEXT_LENGTH_MAX));
  const [modelsDigest, membershipDigest] = digests;
  if (!state || !numbers || modelsDigest === undefined || membershipDigest === undefined) return undefined;
  const headroom = asNumber(wire.h);
  const replicationDigest = asString(wire.r)?.slice(0, TEXT_LENGTH_MAX);
  return {
    ...numbers,
    state,
    modelsDigest,
    membershipDigest,
    measures: asArray(wire.p).slice(0, MEASURED_MODELS_MAX).flatMap(parseMeasure),
    ...(headroom !== undefined && { headroom }),
    ...(replicationDigest !== undefined && { replicationDigest }),
  };
}

const COUNTS = {
  incarnation: 'i',
  sequence: 'n',
  intervalMs: 'e',
  inFlight: 'f',
  queued: 'q',
  capacity: 'c',
  loopLagMs: 'l',
  wallMs: 'w',
} as const;

/** Undefined unless all are whole and not negative; Pis without a clock count from 1970, not before. */
function readCounts(wire: JsonObject): Record<keyof typeof COUNTS, number> | undefined {
  const entries = Object.entries(COUNTS).map(([name, key]) => [name, wire[key]] as const);
  if (!entries.every(([, value]) => Number.isSafeInteger(value) && Number(value) >= 0)) return undefined;
  return Object.fromEntries(entries) as Record<keyof typeof COUNTS, number>;
}

function parseMeasure(value: JsonValue): ModelMeasure[] {
  const [hash, ttftMs, tokensPerSecond, errorPercent, breakerIndex] = asArray(value);
  if (typeof hash !== 'string' || hash.length > DIGEST_LENGTH) return [];
  const breaker = BREAKERS[asNumber(breakerIndex) ?? 0];
  return [
    {
      modelHash: hash,
      ...(isMeasured(ttftMs) && { ttftMs }),
      ...(isMeasured(tokensPerSecond) && { tokensPerSecond }),
      ...(isMeasured(errorPercent) && { errorRate: Math.min(1, errorPercent / 100) }),
      ...(breaker && { breaker }),
    },
  ];
}

function isMeasured(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}

/** The whole list, as it is fetched when its digest changes. */
export function parseModels(value: unknown, countMax: number): readonly ModelStatus[] | undefined {
  if (!Array.isArray(value) || value.length > countMax) return undefined;
  return value.flatMap((entry): ModelStatus[] => {
    const model = isObject(entry) ? asString(entry.model) : undefined;
    const contextLength = isObject(entry) ? asNumber(entry.contextLength) : undefined;
    return model === undefined ? [] : [{ model, ...(contextLength !== undefined && { contextLength }) }];
  });
}
