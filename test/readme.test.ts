// Every command and every snippet of the README is run as it stands there; only ports and places are moved aside.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const PORT = 24_020 + (process.pid % 1_000);
const run = promisify(execFile);

const directory = mkdtempSync(join(tmpdir(), 'flowmesh-readme-'));
const environment = {
  PATH: process.env.PATH,
  HOME: directory,
  FLOWMESH_HOME: join(directory, 'data'),
  FLOWMESH_NO_PROBE: '1',
  FLOWMESH_URL: `http://127.0.0.1:${PORT}`,
};

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] ?? '');
}

/** Whole commands: continued lines joined, comments cut. */
const commands = blocks('sh')
  .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '');

const atOurPort = (text: string): string => text.replaceAll('127.0.0.1:2402', `127.0.0.1:${PORT}`);

describe('the README', () => {
  let node: ReturnType<typeof spawn>;

  before(async () => {
    assert.ok(commands.includes('npm start'));
    node = spawn('npm', ['start', '--', '--port', String(PORT)], { cwd: ROOT, env: environment, detached: true });
    await answers(`http://127.0.0.1:${PORT}/readyz`);
  });

  after(async () => {
    const exited = once(node, 'exit');
    process.kill(-(node.pid ?? 0), 'SIGTERM');
    await exited;
    rmSync(directory, { recursive: true });
  });

  test('every command of it is known to this test', () => {
    const known = /^(npm start|npm test|npm run (bench|build)( -- .*)?|curl .*|npx flowmesh .*)$/;
    assert.deepEqual(
      commands.filter((command) => !known.test(command)),
      [],
    );
  });

  test('the npm scripts it names exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const name of ['start', 'test', 'bench', 'build']) assert.equal(typeof scripts[name], 'string', name);
  });

  test('its curl line gets an answer from the node that `npm start` runs', async () => {
    const [curl] = commands.filter((command) => command.startsWith('curl '));
    const { stdout } = await run('sh', ['-c', atOurPort(`${curl} --silent`)], { env: environment });
    assert.equal(JSON.parse(stdout).choices[0].message.role, 'assistant');
  });

  test('its snippet of code gets an answer', async () => {
    const [snippet] = blocks('ts');
    // Beside the sources, so that `openai` is found.
    const file = join(ROOT, 'node_modules', `.readme-${process.pid}.mjs`);
    writeFileSync(file, `${atOurPort(snippet ?? '')}\nconsole.log(answer.choices[0]?.message.role);\n`);
    try {
      const { stdout } = await run(process.execPath, [file], { env: environment });
      assert.equal(stdout, 'assistant\n');
    } finally {
      rmSync(file);
    }
  });

  test('its configuration is the article’s and is valid with any one of its keys', async () => {
    const [yaml] = blocks('yaml');
    writeFileSync(join(directory, 'article.yaml'), yaml ?? '');
    const env = { ...environment, ANTHROPIC_KEY: 'sk-ant-of-this-test' };
    await flowmesh(['check-config', 'article.yaml'], env);
  });

  test('its flowmesh commands work one after the other', async () => {
    writeFileSync(join(directory, 'litellm-config.yaml'), LITELLM);
    writeFileSync(join(directory, 'manual.md'), '# Pump\n\nPress the red button to reset the pump.\n');
    const run = commands.filter((command) => command.startsWith('npx flowmesh ') && !command.includes('--config'));
    assert.ok(run.length >= 6);
    for (const command of run) {
      const words = [...command.slice('npx flowmesh '.length).matchAll(/"([^"]*)"|(\S+)/g)].map(
        (word) => word[1] ?? word[2] ?? '',
      );
      const stdout = await flowmesh(words, environment);
      assert.ok(stdout.length > 0, command);
    }
  });
});

const LITELLM = `model_list:
  - model_name: small
    litellm_params: { model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY }
`;

async function flowmesh(words: readonly string[], env: Record<string, string | undefined>): Promise<string> {
  const urlOption = ['chat', 'models', 'kb'].includes(words[0] ?? '') ? ['--url', `http://127.0.0.1:${PORT}`] : [];
  const { stdout, stderr } = await run(
    process.execPath,
    [join(ROOT, 'scripts', 'flowmesh.mjs'), ...words, ...urlOption],
    {
      cwd: directory,
      env,
    },
  );
  return stdout + stderr;
}

/** Waits until something answers; the test runner's own limit bounds it. */
async function answers(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
