// Commands about documents.

import type { Command } from 'commander';
import { CONFIG_OPTION, collected, JSON_OPTION, URL_OPTION } from './options.ts';

/** kb, mcp */
export function addKnowledgeCommands(program: Command): void {
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
    .action(async (paths, options) => (await import('../kb-add.ts')).addFiles(paths, options));
  withKnowledgeOptions(
    kb
      .command('watch')
      .description('take in folders and keep up with their changes until Ctrl-C')
      .argument('<path...>', 'folders or files')
      .requiredOption('-C, --collection <name>', 'where they go'),
  )
    .option('--json', 'print one JSON line a change')
    .action(async (paths, options) => (await import('../kb-add.ts')).watchFiles(paths, options));
  withKnowledgeOptions(
    kb
      .command('list')
      .description('list the collections, or the documents of one')
      .option('-C, --collection <name>', 'its documents'),
  )
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../kb.ts')).listKnowledge(options));
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
    .action(async (words, options) => (await import('../kb.ts')).searchKnowledge(words, options));
  withKnowledgeOptions(
    kb
      .command('remove')
      .description('remove documents by their source, or everything below a folder')
      .argument('[source...]', 'paths or names, from `flowmesh kb list --collection …`')
      .requiredOption('-C, --collection <name>', 'from where')
      .option('--all', 'the whole collection'),
  ).action(async (sources, options) => (await import('../kb.ts')).removeKnowledge(sources, options));
  withKnowledgeOptions(
    kb
      .command('export')
      .description('write documents with their passages as JSON lines')
      .option('-C, --collection <name>', 'only this one (default: all of the tenant)')
      .option('-o, --output <file>', 'write there instead of to standard output')
      .option('-f, --force', 'overwrite'),
  ).action(async (options) => (await import('../kb-transfer.ts')).exportKnowledge(options));
  withKnowledgeOptions(
    kb
      .command('import')
      .description('read what `kb export` has written')
      .argument('<file>', 'JSON lines; - reads standard input')
      .option('-C, --collection <name>', 'put all of them there (default: where they were)'),
  ).action(async (file, options) => (await import('../kb-transfer.ts')).importKnowledge(file, options));
  withKnowledgeOptions(kb.command('stats').description('say how much is in the collections'))
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../kb.ts')).showStats(options));

  withKnowledgeOptions(
    program.command('mcp').description('offer the knowledge to an agent as MCP tools, over standard input and output'),
  ).action(async (options) => (await import('../mcp.ts')).mcp(options));
}

/** Which knowledge a command works on. */
function withKnowledgeOptions(command: Command): Command {
  return command
    .option('-t, --tenant <name>', 'whose collections', 'default')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option('--token-file <file>', 'file with its admin token (default: $FLOWMESH_ADMIN_TOKEN, the data directory’s)');
}
