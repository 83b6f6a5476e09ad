// The doctor's look at the accounts: does the server answer, does it take each key, does it have the models we ask for?

import type { Config } from '../config/config.ts';
import { suggestion } from '../config/nearest.ts';
import { GatewayError } from '../errors.ts';
import { type Clock, type HttpClient, HttpFailure } from '../ports.ts';
import type { Account } from '../providers/account.ts';
import { withDeadline } from '../providers/deadline.ts';
import { listModels, type ModelEntry } from '../providers/model-list.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { type Check, ok, problem, warning } from './check.ts';
import { keyText } from './describe.ts';
import { accountsOf, type CommandConfig } from './load-config.ts';
import { counted } from './terminal.ts';

/** A far server on a bad line answers its list within this. */
const TIMEOUT_MS = 10_000;

interface Dependencies {
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** All at once. */
export async function checkAccounts(loaded: CommandConfig, dependencies: Dependencies): Promise<Check[]> {
  const accounts = [...accountsOf(loaded).values()];
  const checks = accounts.map((account) => checkAccount(account, modelsAskedOf(account, loaded.config), dependencies));
  return (await Promise.all(checks)).flat();
}

async function checkAccount(account: Account, wanted: readonly string[], dependencies: Dependencies): Promise<Check[]> {
  const name = `account ${account.name}`;
  if (account.isBuiltin) return [ok(name, 'built in')];
  if (account.provider === 'azure') return [await checkAzure(name, account, dependencies)];
  const missing = missingKey(name, account);
  if (missing) return [missing];
  const keys = account.keys.length > 0 ? account.keys : [undefined];
  const outcomes = await Promise.all(keys.map((key) => ask({ ...account, keys: key ? [key] : [] }, dependencies)));
  const failures = outcomes.flatMap((outcome, index) => {
    if (Array.isArray(outcome)) return [];
    const which = keys.length > 1 ? `key ${index + 1} of ${keys.length}: ` : '';
    return [failureCheck(name, account, which, outcome as Error)];
  });
  const list = outcomes.find((outcome): outcome is ModelEntry[] => Array.isArray(outcome));
  if (list === undefined) return failures.slice(0, isAboutServer(outcomes[0]) ? 1 : undefined);
  const { keys: given } = account;
  const found = ok(name, `${account.baseUrl} answers, ${keyText(given.length)}, ${counted(list.length, 'model')}`);
  return [...failures, ...(failures.length < keys.length ? [found] : []), ...unlisted(name, wanted, list)];
}

/** Providers in the cloud all want one. */
function missingKey(name: string, account: Account): Check | undefined {
  const variables = presetNamed(account.provider)?.keyVariables ?? [];
  if (account.keys.length > 0 || variables.length === 0 || account.auth.type === 'none') return undefined;
  return problem(name, 'it has no key', `Set 'key' in the configuration, best as \${${variables[0]}}.`);
}

/** Its deployments cannot be listed with a key, but any answer of the server proves the address. */
async function checkAzure(name: string, account: Account, { http, clock }: Dependencies): Promise<Check> {
  try {
    await withDeadline(clock, TIMEOUT_MS, undefined, (signal) =>
      http.request({ method: 'GET', url: account.baseUrl, headers: {}, signal }),
    );
    return ok(name, `${account.baseUrl} answers, ${keyText(account.keys.length)}; deployments cannot be listed`);
  } catch (error) {
    return failureCheck(name, account, '', error as Error);
  }
}

/** The models, or why there are none. */
async function ask(account: Account, { http, clock }: Dependencies): Promise<ModelEntry[] | Error> {
  try {
    return await withDeadline(clock, TIMEOUT_MS, undefined, (signal) => listModels(account, http, signal));
  } catch (error) {
    return error as Error;
  }
}

/** Not about a key: every other key would fail in the same way. */
function isAboutServer(outcome: ModelEntry[] | Error | undefined): boolean {
  return !(outcome instanceof GatewayError);
}

function failureCheck(name: string, account: Account, which: string, error: Error): Check {
  const isLocal = presetNamed(account.provider)?.isLocal ?? false;
  if (!(error instanceof GatewayError)) {
    const reason = error instanceof HttpFailure ? 'cannot be reached' : 'does not answer';
    const advice = isLocal ? 'Start that server, or correct its url.' : 'Check the url, the network and any proxy.';
    return problem(name, `${account.baseUrl} ${reason}: ${error.message}`, advice);
  }
  switch (error.code) {
    case 'upstream_authentication':
    case 'upstream_permission':
      return account.keys.length === 0
        ? problem(name, `${account.baseUrl} wants a key`, "Set 'key' of the account.")
        : problem(
            name,
            `${which}${account.baseUrl} refuses the key`,
            'Replace the key; it may be revoked or mistyped.',
          );
    case 'upstream_quota':
      return problem(name, `${which}${account.baseUrl} says there is no credit left`, 'Add credit or another key.');
    case 'upstream_not_found':
      return warning(
        name,
        `${account.baseUrl} answers, but has no list of models`,
        'Check the url if calls fail, too.',
      );
    case 'upstream_rate_limited':
      return warning(name, `${which}${account.baseUrl} answers, but limits the rate just now`);
    default:
      return problem(name, `${which}${account.baseUrl} answers with an error: ${error.message}`);
  }
}

/** Lists leave out some names that work (dated versions, previews), so this is no proof. */
function unlisted(name: string, wanted: readonly string[], list: readonly ModelEntry[]): Check[] {
  const listed = new Set(list.flatMap(({ id }) => [id, id.replace(/:latest$/, '')]));
  return wanted
    .filter((model) => !listed.has(model))
    .map((model) =>
      warning(name, `the server does not list the model '${model}'.${suggestion(model, listed)}`, 'Check its name.'),
    );
}

function modelsAskedOf(account: Account, config: Config): string[] {
  const targets = Object.values(config.chains).flatMap(({ targets, onContextLength, onContentFilter }) => [
    ...targets,
    ...onContextLength,
    ...onContentFilter,
  ]);
  const asked = targets.filter((target) => target.account === account.name).map(({ model }) => model);
  return [...new Set([...asked, ...account.models])];
}
