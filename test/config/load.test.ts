import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { findConfigFile, loadConfig } from '../../src/config/load.ts';
import { ARTICLE } from '../support/article.ts';
import { PROVIDERS, parse, problemsOf, warningsOf } from './support.ts';

const PLAIN_TARGET = { timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
const PLAIN_ACCOUNT = { headers: {}, models: [] };

describe("the article's configuration", () => {
  test('works as it is written there', () => {
    const { config, warnings } = parse(ARTICLE, { OPENAI_KEY: 'sk-one', ANTHROPIC_KEY: 'sk-two' });
    assert.deepEqual(warnings, []);
    assert.equal(config.defaultChain, 'default');
    assert.deepEqual(config.accounts, {
      openai: { provider: 'openai', keys: ['sk-one'], ...PLAIN_ACCOUNT },
      anthropic: { provider: 'anthropic', keys: ['sk-two'], ...PLAIN_ACCOUNT },
      local: { provider: 'local', url: 'http://127.0.0.1:8000/v1', keys: [], ...PLAIN_ACCOUNT },
    });
    assert.deepEqual(config.chains, {
      default: {
        targets: [
          { account: 'openai', model: 'gpt-4', ...PLAIN_TARGET },
          { account: 'anthropic', model: 'claude-3-sonnet', ...PLAIN_TARGET },
          { account: 'local', model: 'mistral-7b', ...PLAIN_TARGET },
        ],
        onContextLength: [],
        onContentFilter: [],
        timeouts: {},
        retries: {},
      },
    });
  });

  test('works with only one of the keys, and tells which target is skipped', () => {
    const models = parse(ARTICLE, { OPENAI_KEY: 'sk-one' }).config.chains.default?.targets.map(({ model }) => model);
    assert.deepEqual(models, ['gpt-4', 'mistral-7b']);
    assert.deepEqual(warningsOf(ARTICLE, { OPENAI_KEY: 'sk-one' }), [
      'config.yaml:8:12 chains.default[1].key: the environment variable ANTHROPIC_KEY is not set, so the target anthropic/claude-3-sonnet is skipped.',
    ]);
  });

  test('works when the shell of the article expanded the unset variables to nothing', () => {
    const expanded = ARTICLE.replaceAll(/\$\{\w+\}/g, '');
    assert.deepEqual(warningsOf(expanded), [
      'config.yaml:5:12 chains.default[0].key: the key is empty, so the target openai/gpt-4 is skipped.',
      'config.yaml:8:12 chains.default[1].key: the key is empty, so the target anthropic/claude-3-sonnet is skipped.',
    ]);
  });

  test('is an error when no target at all is left', () => {
    assert.deepEqual(problemsOf(ARTICLE.split('    - model: mistral')[0] ?? '', { OPENAI_KEY: '' }), [
      'config.yaml:5:12 chains.default[0].key: the environment variable OPENAI_KEY is not set, and nothing else can serve a request.',
      'config.yaml:8:12 chains.default[1].key: the environment variable ANTHROPIC_KEY is not set, and nothing else can serve a request.',
    ]);
  });
});

describe('defaults', () => {
  test('an empty file has all of them', () => {
    assert.deepEqual(parse('').config, {
      server: {
        host: '127.0.0.1',
        port: 2402,
        apiKeys: [],
        anonymous: 'until-first-key',
        bodyBytesMax: 33_554_432,
        messagesMax: 20_000,
        concurrencyMax: 2_000,
        drainTimeoutMs: 30_000,
        keepAliveMs: 15_000,
      },
      accounts: {},
      chains: {},
      aliases: {},
      timeouts: { connectMs: 5_000, ttftMs: 120_000, idleMs: 120_000, totalMs: 600_000 },
      retries: { max: 1, backoffMs: 250, backoffMaxMs: 4_000 },
      cooldown: { failures: 3, baseMs: 5_000, maxMs: 300_000 },
      log: { level: 'info', format: 'auto' },
      dataDirectory: '/home/ada/.local/share/flowmesh',
      prices: [],
      responses: { isStored: true, retentionDays: 30, entriesMax: 10_000 },
      ledger: { retentionDays: 400 },
      prompts: { isStored: false, retentionDays: 7, entriesMax: 10_000, entryBytesMax: 65_536 },
      shadow: { retentionDays: 30, entriesMax: 10_000, entryBytesMax: 131_072, queueMax: 100, concurrencyMax: 4 },
      cache: {
        isEnabled: false,
        ttlMs: 3_600_000,
        requests: 'deterministic',
        scope: 'tenant',
        bytesMax: 268_435_456,
        entriesMax: 200_000,
        entryBytesMax: 1_048_576,
      },
      compaction: { isEnabled: false, isDeduplicating: false },
      knowledge: {
        topK: 6,
        maxTokens: 2_000,
        minScore: 0,
        searchTimeoutMs: 300,
        fileBytesMax: 67_108_864,
        watch: [],
      },
    });
  });

  test('a section with nothing under it is the same as no section', () => {
    assert.deepEqual(parse('server:\nlog:\n  # level: debug\n').config, parse('').config);
  });

  test('a section that sets one key keeps the defaults of the others', () => {
    assert.deepEqual(parse('retries: {max: 3}').config.retries, { max: 3, backoffMs: 250, backoffMaxMs: 4_000 });
  });

  test('the default chain is the one named default, unless another is chosen', () => {
    const chains = 'chains: {default: [ollama/a], other: [ollama/b]}\n';
    assert.equal(parse(chains).config.defaultChain, 'default');
    assert.equal(parse(`${chains}defaultChain: other`).config.defaultChain, 'other');
    assert.equal(parse('chains: {other: [ollama/b]}').config.defaultChain, undefined);
  });

  test('the whole configuration is frozen', () => {
    const { config } = parse('chains: {default: [ollama/a]}');
    assert.ok(Object.isFrozen(config));
    assert.ok(Object.isFrozen(config.server.apiKeys));
    assert.ok(Object.isFrozen(config.chains.default?.targets[0]?.extraBody));
  });
});

describe('the data directory', () => {
  test('is FLOWMESH_HOME, else the XDG data directory, else under home', () => {
    const directory = (env: Record<string, string>) => parse('', env).config.dataDirectory;
    assert.equal(directory({ FLOWMESH_HOME: '/srv/flow', XDG_DATA_HOME: '/data' }), '/srv/flow');
    assert.equal(directory({ XDG_DATA_HOME: '/data' }), '/data/flowmesh');
    assert.equal(directory({ XDG_DATA_HOME: 'relative' }), '/home/ada/.local/share/flowmesh');
  });

  test('is taken relative to the file, with ~ as home', () => {
    assert.equal(parse('dataDirectory: ~/state').config.dataDirectory, '/home/ada/state');
    assert.equal(parse('dataDirectory: state').config.dataDirectory, join(process.cwd(), 'state'));
    assert.equal(parse('dataDirectory: /srv/state').config.dataDirectory, '/srv/state');
  });
});

describe('amounts', () => {
  test('durations are milliseconds or text with a unit', () => {
    const text = 'timeouts: {connectMs: 750, ttftMs: 30s, idleMs: 1.5m, totalMs: 1h}';
    assert.deepEqual(parse(text).config.timeouts, {
      connectMs: 750,
      ttftMs: 30_000,
      idleMs: 90_000,
      totalMs: 3_600_000,
    });
  });

  test('sizes are bytes or text with a unit', () => {
    assert.equal(parse('server: {bodyBytesMax: 64KiB}').config.server.bodyBytesMax, 65_536);
  });

  test('variables bring numbers and switches as text', () => {
    const text = 'server: {port: "${PORT}"}\nresponses: {isStored: "${STORE}"}\ntimeouts: {ttftMs: "${WAIT}"}';
    const { config } = parse(text, { PORT: '8080', STORE: 'false', WAIT: '3s' });
    assert.equal(config.server.port, 8080);
    assert.equal(config.responses.isStored, false);
    assert.equal(config.timeouts.ttftMs, 3_000);
  });
});

describe('loadConfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-load-'));
  after(() => rmSync(directory, { recursive: true }));
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const messageOf = (path: string): string => {
    try {
      loadConfig(path, { env: {}, providers: PROVIDERS });
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
    return assert.fail('the file was accepted');
  };

  test('reads a file, with or without a byte order mark', () => {
    const path = file('bom.yaml', '\uFEFFserver: {port: 1}');
    const { config } = loadConfig(path, { env: {}, providers: PROVIDERS });
    assert.equal(config.server.port, 1);
    assert.equal(config.dataDirectory, join(homedir(), '.local/share/flowmesh'));
  });

  test('says in a sentence why a file cannot be read', () => {
    const missing = join(directory, 'missing.yaml');
    assert.equal(messageOf(missing), `${missing}: there is no such file.`);
    assert.equal(messageOf(directory), `${directory}: this is a directory, not a file.`);
    const binary = file('binary.yaml', new Uint8Array([0xff, 0xfe, 0x00]));
    assert.equal(messageOf(binary), `${binary}: the file is not UTF-8 text.`);
    const big = file('big.yaml', '#'.repeat(1024 * 1024 + 1));
    assert.equal(messageOf(big), `${big}: the file is larger than 1 MiB.`);
  });

  test('finds the file by variable, in the working directory, then in the user directory', () => {
    const empty = join(directory, 'empty');
    const user = join(directory, 'user', 'flowmesh');
    mkdirSync(empty);
    mkdirSync(user, { recursive: true });
    const named = file('flowmesh.yaml', '');
    writeFileSync(join(user, 'config.yaml'), '');
    const env = { XDG_CONFIG_HOME: join(directory, 'user') };
    assert.equal(findConfigFile({ ...env, FLOWMESH_CONFIG: 'mine.yaml' }, directory), join(directory, 'mine.yaml'));
    assert.equal(findConfigFile(env, directory), named);
    assert.equal(findConfigFile(env, empty), join(user, 'config.yaml'));
  });
});
