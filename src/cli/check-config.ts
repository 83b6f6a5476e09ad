// `flowmesh check-config`: is the configuration right, and what does it mean? Keys are counted, never shown.

import type { Config } from '../config/config.ts';
import { ConfigError, type ConfigProblem, formatProblem } from '../config/config-error.ts';
import { isLoopback } from '../config/exposure.ts';
import type { Account } from '../providers/account.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { CommandError, EXIT } from './command-error.ts';
import { chainLines, keyText } from './describe.ts';
import { accountsOf, type CommandConfig, configFromFile } from './load-config.ts';
import { counted, print, printJson, styled, table } from './terminal.ts';

export interface CheckConfigOptions {
  readonly json?: boolean;
  /** The file, too. */
  readonly config?: string;
}

interface Checked {
  readonly loaded: CommandConfig;
  readonly file: string;
  readonly accounts: ReadonlyMap<string, Account>;
}

/** @throws ConfigError, CommandError */
export function checkConfig(file: string | undefined, { json, config }: CheckConfigOptions): void {
  if (file !== undefined && config !== undefined) throw new CommandError('Name one configuration.', EXIT.usage);
  const named = file ?? config;
  try {
    const checked = check(configFromFile(named, { env: process.env, directory: process.cwd() }));
    if (json) printJson(asJson(checked));
    else print(asText(checked));
  } catch (error) {
    if (!json || !(error instanceof ConfigError)) throw error;
    printJson({ file: error.file, isValid: false, problems: error.problems, warnings: [] });
    throw new CommandError('', EXIT.usage, { cause: error });
  }
}

function check(loaded: CommandConfig | undefined): Checked {
  if (loaded?.file === undefined) {
    throw new CommandError(
      'There is no configuration file to check: name one, or write one with `flowmesh init`. (`flowmesh doctor` shows what a start without a file finds.)',
      EXIT.usage,
    );
  }
  return { loaded, file: loaded.file, accounts: accountsOf(loaded) };
}

function asJson({ loaded: { config, warnings }, file, accounts }: Checked): object {
  return {
    file,
    isValid: true,
    problems: [] satisfies ConfigProblem[],
    warnings,
    accounts: [...accounts.values()].map(({ name, provider, baseUrl, keys }) => ({
      name,
      provider,
      baseUrl,
      keyCount: keys.length,
    })),
    chains: Object.entries(config.chains).map(([name, { targets }]) => ({
      name,
      isDefault: name === config.defaultChain,
      targets: targets.map(({ account, model }) => `${account}/${model}`),
    })),
    aliases: config.aliases,
    server: { host: config.server.host, port: config.server.port, keyCount: config.server.apiKeys.length },
    dataDirectory: config.dataDirectory,
  };
}

function asText({ loaded: { config, warnings }, file, accounts }: Checked): string {
  const remark = warnings.length === 0 ? '' : `, with ${counted(warnings.length, 'warning')}`;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['Warnings', warnings.map((warning) => formatProblem(file, warning))],
    ['Accounts', accountLines(accounts)],
    ['Chains', chainLines(config)],
    ['Aliases', Object.entries(config.aliases).map(([alias, served]) => `${alias}: ${served}`)],
    ['Server', [serverLine(config)]],
    ['Data', [config.dataDirectory]],
  ];
  return [
    `${file} is valid${remark}.`,
    ...sections.flatMap(([title, lines]) =>
      lines.length === 0 ? [] : ['', styled('bold', title), ...lines.map((line) => `  ${line}`)],
    ),
  ].join('\n');
}

function accountLines(accounts: ReadonlyMap<string, Account>): string[] {
  const rows = [...accounts.values()].map(({ name, provider, baseUrl, keys }) => [
    name,
    presetNamed(provider)?.title ?? provider,
    baseUrl,
    keyText(keys.length),
  ]);
  return rows.length === 0 ? [] : table(rows).split('\n');
}

function serverLine({ server }: Config): string {
  return `${server.host} port ${server.port}, ${accessText(server)}`;
}

/** Virtual keys are not looked for: a configuration is checked without its state. */
function accessText({ host, apiKeys, anonymous }: Config['server']): string {
  if (anonymous === 'always') return 'open to everyone who reaches it';
  if (apiKeys.length > 0) return `clients need one of ${counted(apiKeys.length, 'key')}, or a virtual one`;
  if (anonymous === 'never') return 'clients need a virtual key';
  if (!isLoopback(host)) return 'starts only with a virtual key (`flowmesh keys create`)';
  return 'open to everyone on this machine until there is a virtual key';
}
