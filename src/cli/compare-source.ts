// Where the prompts of a comparison come from: a file, or the traffic that a node has kept in its data directory.

import { text } from 'node:stream/consumers';
import type { Prompt } from '../compare/comparison.ts';
import { PROMPTS_MAX, readPrompts } from '../compare/prompts.ts';
import { groupPairs, promptOf } from '../compare/shadow-pairs.ts';
import { GatewayError } from '../errors.ts';
import { asArray } from '../model/json.ts';
import type { ReplayableRequest, ShadowPair } from '../model/replay.ts';
import { readTraffic, type StoredTraffic, type TrafficTable } from '../storage/traffic-log.ts';
import { parseMoment } from '../tenancy/moment.ts';
import { CommandError, EXIT } from './command-error.ts';
import { COMPARISON_ID } from './compare-run.ts';
import { readTextFile } from './find-node.ts';
import { withState } from './state.ts';
import { note } from './terminal.ts';

export interface SourceOptions {
  readonly config?: string;
  readonly prompts?: string;
  readonly fromLog?: boolean;
  readonly fromShadow?: boolean;
  readonly since?: string;
  readonly tenant?: string;
  readonly limit: string;
}

/** @throws CommandError when it is none or several, or when what only kept traffic has is asked of a file */
export function checkSource({ prompts, fromLog, fromShadow, since, tenant }: SourceOptions): void {
  const count = [prompts !== undefined, fromLog, fromShadow].filter(Boolean).length;
  if (count !== 1) throw usage('Give one of --prompts FILE, --from-log and --from-shadow');
  if (prompts !== undefined && (since !== undefined || tenant !== undefined)) {
    throw usage('--since and --tenant go with --from-log and --from-shadow');
  }
}

export async function promptsFrom(options: SourceOptions): Promise<Prompt[]> {
  const { prompts: file } = options;
  if (file === undefined) return loggedPrompts(options);
  const source = file === '-' ? await text(process.stdin) : readTextFile(file);
  try {
    return readPrompts(source, file === '-' ? 'standard input' : file);
  } catch (error) {
    throw error instanceof GatewayError ? new CommandError(error.message, EXIT.usage, { cause: error }) : error;
  }
}

async function loggedPrompts(options: SourceOptions): Promise<Prompt[]> {
  const entries = await keptTraffic('prompt_log', options);
  const prompts = entries.flatMap(({ body }) => (asArray(body.messages).length > 0 ? [promptOf(asRequest(body))] : []));
  if (prompts.length > 0) return prompts;
  throw new CommandError(
    'No request is kept that could be asked again. `prompts: {isStored: true}` in the configuration of the node keeps them.',
  );
}

/**
 * Those of one chain and one place where copies went: the ones that `--models chain,to` names, else the newest one's.
 * @throws CommandError
 */
export async function shadowPairs(options: SourceOptions & { readonly models?: string }): Promise<ShadowPair[]> {
  const [chain, to, more] = options.models?.split(',').map((name) => name.trim()) ?? [];
  if (options.models !== undefined && (!chain || !to || more !== undefined)) {
    throw usage('--models takes two names with --from-shadow: the chain, and where its copies went');
  }
  const pairs = (await keptTraffic('shadow_log', options, chain)).map(({ body }) => asPair(body));
  const groups = groupPairs(pairs.filter((pair) => to === undefined || pair.to === to));
  const last = pairs.at(-1);
  const chosen = groups.find(([first]) => to !== undefined || (first?.chain === last?.chain && first?.to === last?.to));
  if (!chosen) {
    throw new CommandError(
      'No answers of shadow traffic are kept. `shadow: {to: CHAIN, share: 0.05}` in a chain of the configuration makes some.',
    );
  }
  const others = groups.flatMap((group) => (group === chosen ? [] : (group[0] ?? [])));
  for (const other of others)
    note(`There are also answers of ${other.chain} and ${other.to}: --models ${other.chain},${other.to}`);
  return chosen;
}

function keptTraffic(table: TrafficTable, options: SourceOptions, name?: string): Promise<StoredTraffic[]> {
  const { since, tenant } = options;
  const limit = Number(options.limit);
  if (!/^\d+$/.test(options.limit) || limit < 1 || limit > PROMPTS_MAX) {
    throw usage(`--limit is a whole number from 1 to ${PROMPTS_MAX}`);
  }
  return withState(options.config, ({ database, clock }) =>
    readTraffic(database, table, {
      since: since === undefined ? undefined : parseMoment('since', since, clock.now(), 'ago'),
      tenant,
      name,
      exceptIds: COMPARISON_ID,
      limit,
    }),
  );
}

/** The node has written it in this shape; nobody else writes there. */
function asRequest(body: object): ReplayableRequest {
  return body as ReplayableRequest;
}

function asPair(body: object): ShadowPair {
  return body as ShadowPair;
}

function usage(sentence: string): CommandError {
  return new CommandError(`${sentence}.`, EXIT.usage);
}
