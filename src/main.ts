// The command line's entry: which command, with which options. Each command is a file in cli/, loaded when it is asked for.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { CommandError, EXIT } from './cli/command-error.ts';
import { keepCompiledCode } from './cli/compile-cache.ts';
import { ConfigError } from './config/config-error.ts';
import { VERSION } from './version.ts';

const CONFIG_OPTION = [
  '-c, --config <file>',
  'configuration (default: flowmesh.yaml here, the user’s, the machine’s, or what is found)',
] as const;
const URL_OPTION = ['-u, --url <url>', 'a running node (default: the one of the configuration)'] as const;
const KEY_OPTION = ['--key-file <file>', 'file with the key for that node (default: $FLOWMESH_API_KEY)'] as const;
const JSON_OPTION = ['--json', 'print JSON, for programs'] as const;

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

program
  .command('start')
  .description('run a node (also without the word: flowmesh --config config.yaml)')
  .option(...CONFIG_OPTION)
  .option('-p, --port <number>', 'listen on this port instead; 0 picks a free one', portNumber)
  .option('-H, --host <address>', 'listen on this address instead; anything but this machine needs a key')
  .action(async (options) => (await import('./cli/start.ts')).start(options));

program
  .command('init')
  .description('write a commented configuration with what is found here')
  .argument('[file]', 'where to', 'flowmesh.yaml')
  .option('-f, --force', 'overwrite')
  .action(async (file, options) => (await import('./cli/init.ts')).init(file, options));

program
  .command('check-config')
  .alias('check')
  .description('check a configuration and say what it means')
  .argument('[file]', 'configuration (default: flowmesh.yaml here, the user’s, the machine’s)')
  .option(...JSON_OPTION)
  .action(async (file, options) => (await import('./cli/check-config.ts')).checkConfig(file, options));

program
  .command('doctor')
  .description('check what is configured, what can be reached and what is wrong')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/doctor.ts')).doctor(options));

program
  .command('models')
  .description('list what clients may ask for: from a running node, else from the accounts')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .option(...KEY_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/models.ts')).models(options));

program
  .command('chat')
  .description('ask a model: a running node, else the providers directly')
  .argument('[prompt]', 'the question; - reads it from standard input; without it a conversation starts')
  .option('-m, --model <name>', 'chain, alias, model or account/model (default: the default chain)')
  .option('-s, --system <text>', 'instructions for the model')
  .option('-f, --file <file>', 'add the text of a file; may be given several times', collected)
  .option('-r, --reasoning', 'show the reasoning, on standard error')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .option(...KEY_OPTION)
  .action(async (prompt, options) => (await import('./cli/chat.ts')).chat(prompt, options));

program
  .command('compare')
  .description('ask several models the same and set quality, cost and speed side by side')
  .option('-m, --models <names>', 'from two to eight, with commas between; the first is the baseline')
  .option('-p, --prompts <file>', 'JSON lines, a YAML list, or text with one prompt a line; - reads standard input')
  .option('--from-log', 'ask again what clients asked; the node keeps that with `prompts: {isStored: true}`')
  .option('--from-shadow', 'compare what shadow traffic has brought, without asking anybody but the judge')
  .option('--since <when>', 'kept from then on: 7d, 12h or a date')
  .option('-t, --tenant <name>', 'kept of this tenant')
  .option('--limit <number>', 'the newest so many that are kept', '100')
  .option('-j, --judge <model>', 'a model that says which answer is better (default: similarity of the texts)')
  .option('--repeat <number>', 'how often each prompt is asked', '1')
  .option('--concurrency <number>', 'questions under way at once; more of them slow each other down', '2')
  .option('--max-tokens <number>', 'longest answer')
  .option('--html <file>', 'write a report with charts and every answer')
  .option('--json <file>', 'write everything, for programs')
  .option('-f, --force', 'overwrite these files')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .option(...KEY_OPTION)
  .action(async (options) => (await import('./cli/compare.ts')).compare(options));

program
  .command('explain')
  .description('say where a chat request would go and why, without asking anybody')
  .argument('<file>', 'a chat request as clients send it, in OpenAI’s JSON; - reads it from standard input')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .option(...KEY_OPTION)
  .option(...JSON_OPTION)
  .action(async (file, options) => (await import('./cli/explain.ts')).explain(file, options));

program
  .command('schema')
  .description('print the JSON schema of the configuration, for editors')
  .action(async () => (await import('./cli/schema.ts')).schema());

program
  .command('import')
  .description('convert the configuration of another gateway')
  .command('litellm')
  .description('convert a LiteLLM config.yaml')
  .argument('<file>', 'LiteLLM’s configuration')
  .option('-o, --output <file>', 'write there instead of to standard output')
  .option('-f, --force', 'overwrite')
  .action(async (file, options) => (await import('./cli/import-litellm.ts')).importLitellmFile(file, options));

const prices = program.command('prices').description('what models cost and can do, and bringing that up to date');
prices
  .command('list')
  .description('list the table: built in, and updated from files')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/prices.ts')).listPrices(options));
prices
  .command('show')
  .description('say everything that is known of a model')
  .argument('<model>', 'its name, provider/model or account/model')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (model, options) => (await import('./cli/prices.ts')).showPrice(model, options));
prices
  .command('update')
  .description('take prices from a file: flowmesh’s own shape, models.dev’s api.json or LiteLLM’s price map')
  .argument('<file>', 'the JSON file')
  .option(...CONFIG_OPTION)
  .action(async (file, options) => (await import('./cli/prices.ts')).updatePrices(file, options));

const keys = program.command('keys').description('virtual keys: what clients send instead of a provider key');
withLimits(
  keys
    .command('create')
    .description('make a key; its secret is printed once')
    .requiredOption('-t, --tenant <name>', 'whose key it is')
    .option('-n, --name <text>', 'what it is for (default: the tenant)')
    .option('--models <names>', 'only these models; * at an end stands for anything: gpt-*,claude-haiku-4-5')
    .option('--chains <names>', 'only these chains')
    .option(
      '--endpoints <names>',
      'only these: chat, embeddings, count-tokens, audio, images, moderations, rerank, knowledge',
    )
    .option('--collections <names>', 'only these knowledge collections')
    .option('--cidr <networks>', 'only from these addresses: 192.168.1.0/24')
    .option('--expires <when>', 'how long it is valid: 30d, or until a date'),
)
  .option(...CONFIG_OPTION)
  .action(async (options) => (await import('./cli/keys.ts')).createKey(options));
keys
  .command('list')
  .description('list the keys, without their secrets')
  .option('-t, --tenant <name>', 'only of this tenant')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/keys.ts')).listKeys(options));
keys
  .command('rotate')
  .description('give a key a new secret; the old one is refused at once')
  .argument('<id>', 'key_…, from `flowmesh keys list`')
  .option(...CONFIG_OPTION)
  .action(async (id, options) => (await import('./cli/keys.ts')).rotateKey(id, options));
keys
  .command('revoke')
  .description('refuse a key from now on')
  .argument('<id>', 'key_…, from `flowmesh keys list`')
  .option(...CONFIG_OPTION)
  .action(async (id, options) => (await import('./cli/keys.ts')).revokeKey(id, options));

const tenants = program.command('tenants').description('customers: they own keys, limits and budgets');
withLimits(tenants.command('set').description('make a tenant, or change it').argument('<name>', 'the tenant'))
  .option('--clear-limits', 'without the limits it had')
  .option('--disable', 'refuse all its keys')
  .option('--enable', 'take its keys again')
  .option(...CONFIG_OPTION)
  .action(async (name, options) => (await import('./cli/keys.ts')).setTenant(name, options));
tenants
  .command('list')
  .description('list the tenants')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/keys.ts')).listTenants(options));

program
  .command('usage')
  .description('what was used and what it cost')
  .option('--by <words>', 'tenant, key, model, target, provider, operation, prompt, day, month, status', 'tenant,model')
  .option('--since <when>', 'from then on: 7d, 12h or a date')
  .option('--until <when>', 'before then: 1d or a date')
  .option('-t, --tenant <name>', 'only of this tenant')
  .option('--key <id>', 'only of this key')
  .option('-m, --model <name>', 'only of this model')
  .option('--mesh', 'of all nodes of the mesh; --by may have tenant, key, model, day, month, node')
  .option('--csv', 'print CSV, for spreadsheets')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/usage.ts')).usage(options));

program
  .command('backup')
  .description('write what a node keeps into one file; it may run meanwhile')
  .option('-o, --output <place>', 'a file, or a directory (default: here, named by the time)')
  .option('-f, --force', 'overwrite')
  .option(...CONFIG_OPTION)
  .action(async (options) => (await import('./cli/backup.ts')).backup(options));

program
  .command('restore')
  .description('put a backup in place of what a stopped node has kept')
  .argument('<file>', 'from `flowmesh backup`')
  .option('-f, --force', 'set aside what is there')
  .option('--as-new-node', 'another node than the one that was saved, with an identity of its own')
  .option(...CONFIG_OPTION)
  .action(async (file, options) => (await import('./cli/restore.ts')).restore(file, options));

const cache = program.command('cache').description('answers that a running node has kept');
cache
  .command('stats')
  .description('how many answers are kept, and what they have served')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/cache.ts')).cacheStats(options));
cache
  .command('clear')
  .description('forget kept answers: all, or those of a tenant or namespace')
  .option('-t, --tenant <name>', 'only those kept for this tenant')
  .option('-n, --namespace <name>', 'only those of this namespace')
  .option(...CONFIG_OPTION)
  .option(...URL_OPTION)
  .action(async (options) => (await import('./cli/cache.ts')).clearCache(options));
const kb = program.command('kb').description('knowledge: your own documents, searched for passages that answer');
withKnowledgeOptions(
  kb
    .command('add')
    .description('take in files, folders, globs and file:// URLs; what has not changed is left as it is')
    .argument('<path...>', 'Markdown, text, HTML, PDF, DOCX, CSV, JSON, JSON lines, EPUB')
    .requiredOption('-C, --collection <name>', 'where they go')
    .option('--prune', 'remove documents whose files are gone from these folders'),
)
  .option(...JSON_OPTION)
  .action(async (paths, options) => (await import('./cli/kb-add.ts')).addFiles(paths, options));
withKnowledgeOptions(
  kb
    .command('watch')
    .description('take in folders and keep up with their changes until Ctrl-C')
    .argument('<path...>', 'folders or files')
    .requiredOption('-C, --collection <name>', 'where they go'),
)
  .option('--json', 'print one JSON line a change')
  .action(async (paths, options) => (await import('./cli/kb-add.ts')).watchFiles(paths, options));
withKnowledgeOptions(
  kb
    .command('list')
    .description('list the collections, or the documents of one')
    .option('-C, --collection <name>', 'its documents'),
)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/kb.ts')).listKnowledge(options));
withKnowledgeOptions(
  kb
    .command('search')
    .description('find passages: any question, "words in quotes" stay together, title:word looks in titles')
    .argument('<words...>', 'the question')
    .option(
      '-C, --collection <name>',
      'only there; * at the end stands for anything; may be given several times',
      collected,
    )
    .option('-k, --top-k <number>', 'how many passages'),
)
  .option(...JSON_OPTION)
  .action(async (words, options) => (await import('./cli/kb.ts')).searchKnowledge(words, options));
withKnowledgeOptions(
  kb
    .command('remove')
    .description('remove documents by their source, or everything below a folder')
    .argument('[source...]', 'paths or names, from `flowmesh kb list --collection …`')
    .requiredOption('-C, --collection <name>', 'from where')
    .option('--all', 'the whole collection'),
).action(async (sources, options) => (await import('./cli/kb.ts')).removeKnowledge(sources, options));
withKnowledgeOptions(
  kb
    .command('export')
    .description('write documents with their passages as JSON lines')
    .option('-C, --collection <name>', 'only this one (default: all of the tenant)')
    .option('-o, --output <file>', 'write there instead of to standard output')
    .option('-f, --force', 'overwrite'),
).action(async (options) => (await import('./cli/kb-transfer.ts')).exportKnowledge(options));
withKnowledgeOptions(
  kb
    .command('import')
    .description('read what `kb export` has written')
    .argument('<file>', 'JSON lines; - reads standard input')
    .option('-C, --collection <name>', 'put all of them there (default: where they were)'),
).action(async (file, options) => (await import('./cli/kb-transfer.ts')).importKnowledge(file, options));
withKnowledgeOptions(kb.command('stats').description('say how much is in the collections'))
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/kb.ts')).showStats(options));

withKnowledgeOptions(
  program.command('mcp').description('offer the knowledge to an agent as MCP tools, over standard input and output'),
).action(async (options) => (await import('./cli/mcp.ts')).mcp(options));
const mesh = program.command('mesh').description('other nodes: found a mesh, join one, see who is in it');
mesh
  .command('init')
  .description('found a mesh: makes its admin key, and makes this node an admin')
  .option(...CONFIG_OPTION)
  .action(async (options) => (await import('./cli/mesh.ts')).initMesh(options));
mesh
  .command('invite')
  .description('print an invite for one node, good for 15 minutes')
  .option(
    '--capabilities <names>',
    'what the node may do: serve, knowledge:write, cache:write, config:write, admin',
    'serve,knowledge:write,cache:write',
  )
  .option('-n, --name <text>', 'what the node is called (default: it names itself)')
  .option('-a, --address <address>', 'where this node is reached; may be given several times', collected)
  .option('--no-qr', 'without the QR code')
  .option(...CONFIG_OPTION)
  .action(async (options) => (await import('./cli/mesh.ts')).inviteToMesh(options));
mesh
  .command('join')
  .description('join a mesh with an invite')
  .argument('[token]', 'the invite; - or nothing reads it from standard input (or $FLOWMESH_MESH_INVITE)')
  .option('--token-file <file>', 'file with the invite')
  .option(...CONFIG_OPTION)
  .action(async (token, options) => (await import('./cli/mesh.ts')).joinMesh(token, options));
mesh
  .command('members')
  .description('list who belongs to the mesh, and who no longer does')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/mesh-status.ts')).meshMembers(options));
mesh
  .command('evict')
  .description('shut a member out, for good')
  .argument('<member>', 'its name or peer id')
  .option('--reason <text>', 'for the others to read')
  .option(...CONFIG_OPTION)
  .action(async (member, options) => (await import('./cli/mesh.ts')).evictMember(member, options));
mesh
  .command('leave')
  .description('leave the mesh and forget it')
  .option(...CONFIG_OPTION)
  .action(async (options) => (await import('./cli/mesh.ts')).leaveMesh(options));
mesh
  .command('status')
  .description('how every member is, as the running node sees it')
  .option(...CONFIG_OPTION)
  .option(...JSON_OPTION)
  .action(async (options) => (await import('./cli/mesh-status.ts')).meshStatus(options));

// `flowmesh models | head -1`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

// Not by a top-level await: the bundle is a script.
program.parseAsync(withCommand(process.argv.slice(2)), { from: 'user' }).catch((error: unknown) => {
  process.exitCode = explain(error);
});

/** Which knowledge a command works on. */
function withKnowledgeOptions(command: Command): Command {
  return command
    .option('-t, --tenant <name>', 'whose collections', 'default')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option('--token-file <file>', 'file with its admin token (default: $FLOWMESH_ADMIN_TOKEN, the data directory’s)');
}

/** What a key and a tenant have in common. */
function withLimits(command: Command): Command {
  return command
    .option('--rpm <number>', 'requests a minute')
    .option('--tpm <number>', 'tokens a minute')
    .option('--concurrent <number>', 'requests running at once')
    .option('--cost-per-day <dollars>', 'budget of a day (UTC)')
    .option('--cost-per-month <dollars>', 'budget of a month (UTC)')
    .option('--tokens-per-day <number>', 'tokens of a day (UTC)')
    .option('--tokens-per-month <number>', 'tokens of a month (UTC)')
    .option('--tag <name=value>', 'put into every ledger entry; may be given several times', collected)
    .option('--account <provider=account>', 'whose credential is used there; may be given several times', collected);
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

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
