import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openLocalKnowledge } from '../../src/knowledge/local-knowledge.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { type CommandPlace, type CommandResult, commandPlace, hasTerminal } from '../support/command.ts';
import { docxFile, docxParagraph, epubFile, pdfFile } from '../support/documents.ts';

/** A folder `docs` with a file of each kind, something hidden, something ignored and something that is no text. */
function fillFolder(place: CommandPlace): void {
  mkdirSync(place.path('docs/guides'), { recursive: true });
  mkdirSync(place.path('docs/build'));
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'docs/pump.md': '# Pump\n\nThe pump is oiled every spring.\n',
    'docs/guides/filter.html': '<h1>Filter</h1><p>The filter is rinsed weekly.</p>',
    'docs/manual.pdf': pdfFile([[{ text: 'The valve opens to the left.' }]]),
    'docs/notes.docx': docxFile(docxParagraph('The gauge shows bar.')),
    'docs/book.epub': epubFile('Book', ['<p>The tide turns twice a day.</p>']),
    'docs/parts.csv': 'part,price\nseal,3\nspring,5\n',
    'docs/staff.jsonl': '{"name":"Anna","task":"welding"}\n{"name":"Ben","task":"paint"}\n',
    'docs/picture.png': Uint8Array.from({ length: 300 }, (_, index) => index % 256),
    'docs/.secret': 'hidden',
    'docs/.gitignore': 'build/\n*.tmp\n',
    'docs/build/out.md': 'built',
    'docs/x.tmp': 'temporary',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(place.path(name), content);
}

async function search(place: CommandPlace, question: string, args: readonly string[] = []): Promise<string[]> {
  const { stdout } = await place.run(['kb', 'search', question, '--json', ...args]);
  return (JSON.parse(stdout) as { source: string }[]).map(({ source }) => source.slice(place.directory.length + 1));
}

const QUESTIONS = {
  'How often is the filter rinsed?': 'docs/guides/filter.html',
  valve: 'docs/manual.pdf',
  gauge: 'docs/notes.docx',
  tide: 'docs/book.epub',
  'price of a seal': 'docs/parts.csv',
  welding: 'docs/staff.jsonl',
};

/** Asked of the file itself, which is quicker than a command each; '' where nothing is found. */
async function firstSources(place: CommandPlace, questions: Readonly<Record<string, string>>): Promise<string[]> {
  const knowledge = openLocalKnowledge({ file: place.path('state/knowledge.db'), clock: systemClock });
  const found: string[] = [];
  for (const query of Object.keys(questions)) {
    const [hit] = await knowledge.search({ tenant: 'default', collections: ['plant'], query, topK: 1 });
    found.push(hit?.source.slice(place.directory.length + 1) ?? '');
  }
  await knowledge.close();
  return found;
}

function outcome({ exitCode, stdout }: CommandResult): [number | null, string] {
  return [exitCode, stdout];
}

describe('kb, without a node and with one', () => {
  for (const withNode of [false, true]) {
    test(`a folder is taken in, searched, changed, pruned and removed ${withNode ? 'at a node' : 'here'}`, async () => {
      using place = commandPlace();
      fillFolder(place);
      const at = withNode ? ['--url', (await place.startNode()).url] : [];
      const add = ['kb', 'add', 'docs', '--collection', 'plant', ...at];

      const first = await place.run(add);
      assert.deepEqual(outcome(first), [
        0,
        '7 added, 0 updated, 0 unchanged, 1 skipped; 8 new passages in collection plant.\n',
      ]);
      assert.match(first.stderr, /^skipped: \S+picture\.png is neither text nor a format that can be read$/m);
      assert.match(first.stderr, /^added: \S+pump\.md \(1 passage\)$/m);
      assert.deepEqual(await firstSources(place, QUESTIONS), Object.values(QUESTIONS));
      assert.equal((await search(place, 'When is the pump oiled?', at))[0], 'docs/pump.md');

      assert.match((await place.run(add)).stdout, /^0 added, 0 updated, 7 unchanged/);

      place.write('docs/pump.md', '# Pump\n\nThe pump is oiled every autumn.\n');
      const changed = await place.run(add);
      assert.match(changed.stdout, /^0 added, 1 updated, 6 unchanged/);
      assert.deepEqual(await search(place, 'autumn', ['-C', 'pl*', ...at]), ['docs/pump.md']);

      rmSync(place.path('docs/guides'), { recursive: true });
      assert.match((await place.run([...add, '--prune'])).stdout, /6 unchanged, 1 removed/);
      assert.deepEqual(await firstSources(place, { rinsed: '' }), ['']);

      const removed = await place.run(['kb', 'remove', 'docs/pump.md', '-C', 'plant', ...at]);
      assert.deepEqual(outcome(removed), [0, 'Removed 1 document from collection plant.\n']);
      const all = await place.run(['kb', 'remove', '--all', '-C', 'plant', ...at]);
      assert.deepEqual(outcome(all), [0, 'Removed 5 documents from collection plant.\n']);
      assert.deepEqual(JSON.parse((await place.run(['kb', 'stats', '--json', ...at])).stdout), []);
    });
  }

  test('what is exported is imported again as it was', async () => {
    using place = commandPlace();
    fillFolder(place);
    await place.run(['kb', 'add', 'docs', '-C', 'plant']);
    const exported = await place.run(['kb', 'export', '-o', 'plant.jsonl']);
    assert.deepEqual([exported.exitCode, exported.stderr], [0, 'Wrote 7 documents to plant.jsonl.\n']);
    const { url } = await place.startNode([], { env: { FLOWMESH_HOME: place.path('other') } });
    const there = { env: { FLOWMESH_HOME: place.path('other') } };
    const imported = await place.run(['kb', 'import', 'plant.jsonl', '--url', url], there);
    assert.equal(imported.stdout, '7 added, 0 updated, 0 unchanged.\n');
    assert.equal(
      (await place.run(['kb', 'import', 'plant.jsonl', '--url', url], there)).stdout,
      '0 added, 0 updated, 7 unchanged.\n',
    );
    const again = await place.run(['kb', 'export', '--url', url], there);
    assert.equal(again.stdout, readFileSync(place.path('plant.jsonl'), 'utf8'));
  });

  test('an import that was killed goes on where it was', async () => {
    using place = commandPlace();
    mkdirSync(place.path('many'));
    for (let number = 0; number < 300; number += 1) {
      const paragraphs = Array.from(
        { length: 30 },
        (_, index) => `Paragraph ${index} of number${number}. ${'word '.repeat(120)}`,
      );
      place.write(`many/${number}.md`, `# Number${number}\n\n${paragraphs.join('\n\n')}\n`);
    }
    const killed = place.launch(['kb', 'add', 'many', '-C', 'all']);
    await killed.untilStderr(/(added:[^\n]*\n){20}/);
    killed.signal('SIGKILL');
    await killed.ended;

    const again = await place.run(['kb', 'add', 'many', '-C', 'all']);
    const [, added, unchanged] = /^(\d+) added, 0 updated, (\d+) unchanged/.exec(again.stdout) ?? [];
    assert.equal(Number(added) + Number(unchanged), 300);
    assert.ok(Number(unchanged) >= 20 && Number(added) > 0, again.stdout);

    const knowledge = openLocalKnowledge({ file: place.path('state/knowledge.db'), clock: systemClock });
    const ref = { tenant: 'default', collection: 'all' };
    const counts = (await knowledge.documents(ref, { limit: 1_000 })).map(({ passageCount }) => passageCount);
    await knowledge.close();
    assert.equal(counts.length, 300);
    assert.deepEqual([...new Set(counts)], [30]);
  });

  test('changes of a watched folder are taken over', async () => {
    using place = commandPlace();
    fillFolder(place);
    const watching = place.launch(['kb', 'watch', 'docs', '-C', 'plant']);
    await watching.untilStderr(/Watching 1 place/);
    assert.equal(watching.stdout.match(/^added: /gm)?.length, 7);
    place.write('docs/new.md', '# Motor\n\nThe motor hums.\n');
    await watching.untilStdout(/added: \S+new\.md/);
    place.write('docs/new.md', '# Motor\n\nThe motor is silent.\n');
    await watching.untilStdout(/updated: \S+new\.md/);
    rmSync(place.path('docs/new.md'));
    await watching.untilStdout(/removed: \S+new\.md/);
    watching.signal('SIGINT');
    assert.equal((await watching.ended).exitCode, 0);
  });
});

describe('kb add', () => {
  test('takes file:// URLs, globs and single files', async () => {
    using place = commandPlace();
    fillFolder(place);
    const url = pathToFileURL(place.path('docs/pump.md')).href;
    const { stdout } = await place.run(['kb', 'add', url, 'docs/**/*.html', 'docs/parts.csv', '-C', 'some', '--json']);
    assert.deepEqual(JSON.parse(stdout), {
      added: 3,
      updated: 0,
      unchanged: 0,
      removed: 0,
      passages: 3,
      unreadable: [],
    });
  });

  test('a named file that cannot be read fails the command, others are taken all the same', async () => {
    using place = commandPlace();
    fillFolder(place);
    const result = await place.run(['kb', 'add', 'docs/picture.png', 'docs/pump.md', '-C', 'some']);
    assert.equal(result.exitCode, 1);
    assert.match(result.stderr, /flowmesh: \S+picture\.png is neither text nor a format that can be read\.\n$/);
    assert.match(result.stdout, /^1 added/);
  });

  for (const [what, args, message] of [
    ['a missing file', ['nothing.md'], /nothing\.md: does not exist/],
    ['an address of the web', ['https://example.org/a.html'], /is not a file of this machine\. Download it first/],
    ['a glob that matches nothing', ['*.xyz'], /nothing matches '\*\.xyz'/],
  ] as const) {
    test(`${what} is a usage error`, async () => {
      using place = commandPlace();
      const { exitCode, stderr } = await place.run(['kb', 'add', ...args, '-C', 'some']);
      assert.equal(exitCode, 2);
      assert.match(stderr, message);
    });
  }

  test('a collection needs a name that fits into a path', async () => {
    using place = commandPlace();
    const { exitCode, stderr } = await place.run(['kb', 'add', '.', '-C', '../x']);
    assert.deepEqual([exitCode, stderr.startsWith("flowmesh: A collection's name may have")], [2, true]);
  });

  test('a node of another data directory is left alone, unless it was named', async () => {
    using place = commandPlace();
    fillFolder(place);
    const { url } = await place.startNode([], { env: { FLOWMESH_HOME: place.path('other') } });
    place.write('config.yaml', `server: {port: ${new URL(url).port}}\n`);
    const here = await place.run(['kb', 'add', 'docs/pump.md', '-C', 'some', '-c', 'config.yaml']);
    assert.match(here.stderr, /has another data directory; working on the files here/);
    assert.match(here.stdout, /^1 added/);
    const there = await place.run(['kb', 'add', 'docs/pump.md', '-C', 'some', '--url', url]);
    assert.equal(there.exitCode, 1);
    assert.match(there.stderr, /wants its own admin token/);
  });

  test('the files of a node that runs elsewhere than it should are not touched', async () => {
    using place = commandPlace();
    fillFolder(place);
    const { url } = await place.startNode();
    place.write('config.yaml', 'server: {port: 1}\n');
    const add = ['kb', 'add', 'docs/pump.md', '-C', 'some', '-c', 'config.yaml'];
    const refused = await place.run(add);
    assert.deepEqual(outcome(refused), [1, '']);
    assert.match(
      refused.stderr,
      /flowmesh: A node uses this data directory \(\S+state\) but does not answer at http:\/\/127\.0\.0\.1:1; give --url\.\n$/,
    );
    assert.match((await place.run([...add, '--url', url])).stdout, /^1 added/);
  });

  test('in a terminal a bar shows how far it is', { skip: !hasTerminal }, async () => {
    using place = commandPlace();
    fillFolder(place);
    const { stdout } = await place.launchInTerminal(['kb', 'add', 'docs', '-C', 'some']).ended;
    assert.match(stdout, /█{24} 8\/8 documents, 8 passages/);
    assert.match(stdout, /7 added, 0 updated, 0 unchanged, 1 skipped/);
  });
});

test('kb remove refuses to guess', async () => {
  using place = commandPlace();
  fillFolder(place);
  await place.run(['kb', 'add', 'docs', '-C', 'plant']);
  assert.equal((await place.run(['kb', 'remove', '-C', 'plant'])).exitCode, 2);
  assert.match(
    (await place.run(['kb', 'remove', 'docs/none.md', '-C', 'plant'])).stderr,
    /There is no document docs\/none\.md/,
  );
  assert.match((await place.run(['kb', 'remove', 'docs', '-C', 'plant'])).stdout, /^Removed 7 documents/);
});

test('kb import tells the line that is wrong', async () => {
  using place = commandPlace();
  const file = place.write('bad.jsonl', '\n{"collection":"x","source":"a"}\n');
  const { exitCode, stderr } = await place.run(['kb', 'import', file]);
  assert.deepEqual([exitCode, stderr], [2, 'flowmesh: Line 2: passages must be a list of passages.\n']);
});
