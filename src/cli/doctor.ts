// `flowmesh doctor`: what is configured, what can be reached, what is wrong, and what to do about it.

import type { Config } from '../config/config.ts';
import { ConfigError, type ConfigProblem, formatProblem } from '../config/config-error.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { type Check, ok, problem, warning } from './check.ts';
import { CommandError, EXIT } from './command-error.ts';
import { chainLines } from './describe.ts';
import { checkAccounts } from './doctor-accounts.ts';
import { ClockWitness } from './doctor-clock.ts';
import { checkData, checkPort, checkRuntime } from './doctor-machine.ts';
import { accountsOf, type CommandConfig, commandConfig } from './load-config.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { counted, harmless, print, printJson, type Style, styled } from './terminal.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Exit code 1 when something is wrong; warnings alone are none. */
export async function doctor({ config, json }: DoctorOptions): Promise<void> {
  const checks = await withSurroundings((around) => examine(config, around));
  const problemCount = checks.filter(({ status }) => status === 'problem').length;
  if (json) printJson({ isHealthy: problemCount === 0, checks });
  else print([...checks.map(shown), '', verdict(checks)].join('\n'));
  if (problemCount > 0) throw new CommandError('', EXIT.failed);
}

async function examine(named: string | undefined, around: Surroundings): Promise<Check[]> {
  const runtime = checkRuntime();
  let loaded: CommandConfig;
  try {
    loaded = await commandConfig(named, around);
    accountsOf(loaded);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { file } = error;
    return [runtime, ...error.problems.map((found) => problem('configuration', formatProblem(file, found)))];
  }
  const { config } = loaded;
  const witness = new ClockWitness(around.http, around.clock);
  const accounts = await checkAccounts(loaded, { ...around, http: witness });
  return [
    runtime,
    ...checkConfiguration(loaded),
    ...checkData(config),
    await checkPort(config.server, around),
    ...accounts,
    witness.check(),
  ];
}

function checkConfiguration({ config, file, warnings, findings }: CommandConfig): Check[] {
  const name = 'configuration';
  const found =
    file === undefined
      ? [
          ok(name, 'no file; a start uses what is found here'),
          ...findings.map(({ name: account, detail, isUsable }) =>
            (isUsable ? ok : warning)('found', `${account}: ${detail}`),
          ),
        ]
      : [ok(name, `${file} is valid`)];
  const chains = chainLines(config).map((line) => ok('chain', line));
  return [
    ...found,
    ...warnings.map((remark: ConfigProblem) => warning(name, formatProblem(file ?? '', remark))),
    ...(chains.length > 0 ? chains : [noChains(config.accounts)]),
    ...(isOnlyBuiltin(config) ? [warning('providers', 'there is none: answers will be quotations only', ADVICE)] : []),
  ];
}

const ADVICE = 'Set a key such as OPENAI_API_KEY, start a local server such as Ollama, or name one in a configuration.';

function isOnlyBuiltin({ accounts }: Config): boolean {
  const providers = Object.values(accounts).map(({ provider }) => presetNamed(provider));
  return providers.length > 0 && providers.every((preset) => preset?.isBuiltin);
}

function noChains(accounts: object): Check {
  const advice = 'Add one under chains; `flowmesh init` writes an example.';
  return Object.keys(accounts).length > 0
    ? warning('chain', 'there is none: only models that an account lists can be asked for', advice)
    : problem('chain', 'there is none, and no account either: nothing can be answered', advice);
}

const MARKS: Readonly<Record<Check['status'], readonly [mark: string, style: Style]>> = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  problem: ['✖', 'red'],
};

function shown({ status, name, message, advice }: Check): string {
  const [mark, style] = MARKS[status];
  const line = `${styled(style, mark)} ${name}: ${harmless(message)}`;
  return advice === undefined ? line : `${line}\n  ${styled('dim', `→ ${harmless(advice)}`)}`;
}

function verdict(checks: readonly Check[]): string {
  const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length;
  const problems = count('problem');
  const warnings = count('warning');
  if (problems > 0) return `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`;
  return warnings > 0 ? `Nothing is wrong; ${counted(warnings, 'warning')}.` : 'Everything is fine.';
}
