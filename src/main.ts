// The command line's entry. Commands and their options are declared in cli/commands/; what each one does is a file in
// cli/, loaded when it is asked for.

import { Command, CommanderError } from 'commander';
import { CommandError, EXIT } from './cli/command-error.ts';
import { addConfigurationCommands } from './cli/commands/configuration-commands.ts';
import { addKnowledgeCommands } from './cli/commands/knowledge-commands.ts';
import { addMeshCommands } from './cli/commands/mesh-commands.ts';
import { addModelCommands } from './cli/commands/model-commands.ts';
import { addNodeCommands } from './cli/commands/node-commands.ts';
import { addPriceCommands } from './cli/commands/price-commands.ts';
import { addStateCommands } from './cli/commands/state-commands.ts';
import { addTenancyCommands } from './cli/commands/tenancy-commands.ts';
import { keepCompiledCode } from './cli/compile-cache.ts';
import { ConfigError } from './config/config-error.ts';
import { VERSION } from './version.ts';

keepCompiledCode(process.env);

const program = new Command('flowmesh')
  .description('Self-hosted, OpenAI-compatible LLM gateway. Without a command it starts a node.')
  .version(VERSION)
  .configureHelp({ showGlobalOptions: false })
  .addHelpText(
    'after',
    `
Examples:
  flowmesh                                  start with what is found: keys in the environment, local servers
  flowmesh --config config.yaml             start with a configuration
  flowmesh chat "Why is the sky blue?"      ask once; without a text: a conversation

Exit codes:
  0    done
  1    failed
  2    the command line or the configuration is wrong
  130  interrupted with Ctrl-C`,
  )
  .exitOverride();

addNodeCommands(program);
addModelCommands(program);
addConfigurationCommands(program);
addPriceCommands(program);
addTenancyCommands(program);
addStateCommands(program);
addKnowledgeCommands(program);
addMeshCommands(program);

// `flowmesh models | head -1`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`flowmesh: The output cannot be written (${error.code ?? error.message}).\n`);
  process.exit(EXIT.failed);
});

try {
  await program.parseAsync(withCommand(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = explain(error);
}

/** Options without a command are those of `start`. */
function withCommand(args: readonly string[]): string[] {
  const [first = ''] = args;
  const isForProgram = ['-h', '--help', '-V', '--version'].includes(first);
  return first === '' || (first.startsWith('-') && !isForProgram) ? ['start', ...args] : [...args];
}

/** Says what went wrong, where the parser has not said it yet, and returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`flowmesh: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`flowmesh met an unexpected error; please report it.\n${inspect(error)}\n`);
  return EXIT.failed;
}

function inspect(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
