// `flowmesh mesh status` and `members`: from the running node, else what the data directory remembers.

import type { Config } from '../config/config.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, parseObject } from '../model/json.ts';
import { adminToken } from '../tenancy/admin-token.ts';
import { meshState, papersOf } from './mesh-papers.ts';
import { NodeClient, urlOf } from './node-client.ts';
import { type State, withState } from './state.ts';
import { counted, harmless, note, print, printJson, table } from './terminal.ts';

interface StatusOptions {
  readonly config?: string;
  readonly json?: boolean;
}

const STATUS_TIMEOUT_MS = 5_000;

export async function isNodeRunning({ config, around }: State): Promise<boolean> {
  return new NodeClient({ url: nodeUrl(config), key: undefined }, around).isAnswering();
}

export async function meshStatus({ config, json }: StatusOptions): Promise<void> {
  await withState(config, async (state) => {
    const status = await liveStatus(state);
    if (!status) {
      note('No node with a mesh runs here; this is what it remembers.');
      await listRemembered(state, json === true);
    } else if (json) printJson(status);
    else printStatus(status);
  });
}

export async function meshMembers({ config, json }: StatusOptions): Promise<void> {
  await withState(config, (state) => listRemembered(state, json === true));
}

/** Undefined when no node answers, or its mesh is off. */
async function liveStatus({ config, dataDirectory, around }: State): Promise<JsonObject | undefined> {
  const deadline = new AbortController();
  const timer = around.clock.after(STATUS_TIMEOUT_MS, () => deadline.abort());
  try {
    const response = await around.http.request({
      method: 'GET',
      url: `${nodeUrl(config)}/mesh`,
      headers: { authorization: `Bearer ${adminToken(dataDirectory)}` },
      signal: deadline.signal,
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    return response.status === 200 ? parseObject(Buffer.concat(chunks).toString()) : undefined;
  } catch {
    // Whatever the reason: there is no node that could be asked.
    return undefined;
  } finally {
    timer.cancel();
  }
}

function nodeUrl(config: Config | undefined): string {
  const { host, port } = config?.server ?? DEFAULTS.server;
  return urlOf(host, port);
}

function printStatus(status: JsonObject): void {
  const self = asObject(status.self);
  const peers = asArray(status.peers).map((peer) => asObject(peer) ?? {});
  const meshId = asString(status.meshId);
  if (meshId === undefined) {
    print('This node belongs to no mesh yet.');
    return;
  }
  print(
    `${meshId}: ${counted(peers.length + 1, 'member')}. This node is ${harmless(asString(self?.name) ?? 'unnamed')}, ${asString(self?.peer) ?? ''}.`,
  );
  if (self?.end !== undefined) print(`This node is a member no more: ${String(self.end)}.`);
  print(ownProgress(asObject(status.replication)));
  const header = ['NAME', 'STATE', 'FOR', 'RTT', 'LOAD', 'MODELS', 'BEHIND', 'PEER'];
  print(table([header, ...peers.map(peerRow)]));
}

function peerRow(peer: JsonObject): string[] {
  const load = asObject(peer.load);
  const loadText = load ? `${asNumber(load.inFlight) ?? 0}/${asNumber(load.capacity) ?? 0}` : '-';
  const own = asString(load?.state) ?? 'up';
  const state = asString(peer.state) ?? '';
  const rtt = asNumber(peer.rttMs);
  return [
    harmless(asString(peer.name) ?? ''),
    state === 'alive' && own !== 'up' ? own : state,
    durationText(asNumber(peer.stateForMs) ?? 0),
    rtt === undefined ? '-' : `${rtt.toFixed(1)} ms`,
    loadText,
    String(asArray(peer.models).length),
    String(asNumber(asObject(peer.replication)?.missingThere) ?? '-'),
    asString(peer.peer) ?? '',
  ];
}

/** How far this node is behind the others: `behind by 120 changes, 3.4 MB, about 12 s`. */
export function ownProgress(replication: JsonObject | undefined): string {
  const logs = asArray(replication?.logs).map((log) => asObject(log) ?? {});
  const documents = asObject(replication?.documents);
  const sum = (name: string): number => logs.reduce((total, log) => total + (asNumber(log[name]) ?? 0), 0);
  const [changes, bytes, pending] = [sum('behindChanges'), sum('leftBytes'), asNumber(documents?.pending) ?? 0];
  const flags = logs.flatMap((log) => asArray(log.flags).map((flag) => asString(asObject(flag)?.name) ?? ''));
  const flagged = flags.length === 0 ? '' : ` Look at: ${harmless([...new Set(flags)].join(', '))}.`;
  if (changes === 0 && pending === 0) return `It has all changes that it has heard of.${flagged}`;
  const etas = [...logs, documents ?? {}].flatMap(({ etaMs }) => asNumber(etaMs) ?? []);
  const parts = [
    counted(changes, 'change'),
    `${(bytes / 1e6).toFixed(1)} MB`,
    ...(pending > 0 ? [counted(pending, 'document')] : []),
    ...(etas.length > 0 ? [`about ${durationText(Math.max(...etas))}`] : []),
  ];
  return `It is behind by ${parts.join(', ')}.${flagged}`;
}

function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

async function listRemembered(state: State, isJson: boolean): Promise<void> {
  const { membership } = papersOf(await meshState(state));
  const members = membership.credentials().map(({ certificate: { peer, name, capabilities, notAfter } }) => ({
    peer,
    name,
    capabilities,
    state: membership.endOf(peer) ?? 'member',
    ...(notAfter > 0 && { until: new Date(notAfter).toISOString() }),
  }));
  if (isJson) {
    printJson({ meshId: membership.roots.meshId, members });
    return;
  }
  const rows = members.map(({ peer, name, capabilities, state: standing, until }) => [
    harmless(name),
    standing,
    capabilities.join(','),
    until?.slice(0, 'YYYY-MM-DD'.length) ?? '-',
    peer,
  ]);
  print(table([['NAME', 'STATE', 'CAPABILITIES', 'UNTIL', 'PEER'], ...rows]));
}
