import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { fc } from '../support/property.ts';
import { parse, problemsOf, warningsOf } from './support.ts';

describe('misspelled keys', () => {
  test('are named with the key that was meant, at their line and column', () => {
    const text =
      'chains:\n  default:\n    - model: a\n      provider: ollama\n\n    - provider: ollama\n      modle: b\n';
    assert.deepEqual(problemsOf(text), [
      "config.yaml:7:7 chains.default[1]: unknown key 'modle'. Did you mean 'model'?",
    ]);
  });

  test('in snake_case and kebab-case lead to the one spelling', () => {
    assert.deepEqual(problemsOf('default_chain: x\nserver:\n  keep-alive-ms: 1\n  body_bytes_max: 2\n'), [
      "config.yaml:1:1 unknown key 'default_chain'. Did you mean 'defaultChain'?",
      "config.yaml:3:3 server: unknown key 'keep-alive-ms'. Did you mean 'keepAliveMs'?",
      "config.yaml:4:3 server: unknown key 'body_bytes_max'. Did you mean 'bodyBytesMax'?",
    ]);
  });

  test("in other gateways' words lead to ours", () => {
    assert.deepEqual(problemsOf('accounts:\n  a:\n    provider: openai\n    api_key: x\n    base_url: y\n'), [
      "config.yaml:4:5 accounts.a: unknown key 'api_key'. Did you mean 'key'?",
      "config.yaml:5:5 accounts.a: unknown key 'base_url'. Did you mean 'url'?",
    ]);
  });

  test('that resemble nothing are answered with the list of known keys', () => {
    assert.deepEqual(problemsOf('log:\n  zebra: 1\n'), [
      "config.yaml:2:3 log: unknown key 'zebra'. Known keys: level, format.",
    ]);
  });

  test('do not hide problems elsewhere', () => {
    const text = 'serve: {}\nchains:\n  a: [{model: m, provider: opnai}]\nlog: {level: loud}\ndefaultChain: b\n';
    assert.deepEqual(problemsOf(text), [
      "config.yaml:1:1 unknown key 'serve'. Did you mean 'server'?",
      "config.yaml:3:28 chains.a[0].provider: unknown provider 'opnai'. Did you mean 'openai'?",
      'config.yaml:4:14 log.level: must be one of debug, info, warn, error, silent.',
      "config.yaml:5:15 defaultChain: there is no chain 'b'.",
    ]);
  });
});

describe('wrong values', () => {
  const cases: readonly [text: string, problem: string][] = [
    ['server: {port: 70000}', '1:16 server.port: must be a whole number from 0 to 65535.'],
    ['server: {port: web}', '1:16 server.port: must be a whole number from 0 to 65535.'],
    ['server: {host: 1}', '1:16 server.host: expected text, got a number; put it in quotes.'],
    ['server: {host: ""}', '1:16 server.host: must not be empty.'],
    ['server: {apiKeys: secret}', '1:19 server.apiKeys: expected a list, got text.'],
    ['server: [1]', '1:9 server: expected a mapping, got a list.'],
    ['- a', '1:1 expected a mapping, got a list.'],
    ['timeouts: {ttftMs: soon}', '1:20 timeouts.ttftMs: must be a number of milliseconds or text such as "30s".'],
    ['timeouts: {ttftMs: 0}', '1:20 timeouts.ttftMs: must be a whole number of milliseconds from 1 to 2147483647.'],
    ['server: {bodyBytesMax: 32MB}', '1:24 server.bodyBytesMax: must be a number of bytes or text such as "32MiB".'],
    ['responses: {isStored: 1}', '1:23 responses.isStored: must be true or false, not a number.'],
    ['log: {level: wran}', "1:14 log.level: must be one of debug, info, warn, error, silent. Did you mean 'warn'?"],
    ['chains: {a: 5}', '1:13 chains.a: expected a list or a mapping, got a number.'],
    ['chains: {a: []}', "1:13 chains.a: the chain 'a' has no targets."],
    ['chains: {a: }', '1:13 chains.a: expected a list or a mapping, got nothing.'],
    ['chains: {a: [7]}', '1:14 chains.a[0]: expected text or a mapping, got a number.'],
    ['chains: {a: {target: [x]}}', "1:14 chains.a: unknown key 'target'. Did you mean 'targets'?"],
    ['chains: {"gpt 4": [7]}', '1:20 chains["gpt 4"][0]: expected text or a mapping, got a number.'],
    ['chains: {a: [{provider: ollama}]}', "1:14 chains.a[0]: 'model' is missing."],
    [
      'chains: {a: [{model: m, provider: groq, headers: {"a b": c}}]}',
      '1:50 chains.a[0].headers: a header name has a character that headers cannot have.',
    ],
    [
      'chains: {a: [{model: m, provider: groq, headers: {x: 1}}]}',
      "1:50 chains.a[0].headers: the header 'x' must be text, not a number.",
    ],
    [
      'chains: {a: [{model: m, provider: groq, key: "a b"}]}',
      '1:46 chains.a[0].key: the key has a space, a line break or another character that no key has.',
    ],
    [
      'chains: {a: [{model: m, provider: groq, traits: {systemRole: sytem}}]}',
      "1:62 chains.a[0].traits.systemRole: must be one of system, developer. Did you mean 'system'?",
    ],
    [
      'accounts: {a: {provider: groq, url: ftp://x}}',
      '1:37 accounts.a.url: the url must begin with http:// or https://.',
    ],
    [
      'accounts: {a: {provider: groq, url: "http://me:pw@x"}}',
      "1:37 accounts.a.url: the url must not hold a user name or password; give the credential as 'key'.",
    ],
    [
      'accounts: {a: {provider: groq, url: "http://x/?key=1"}}',
      "1:37 accounts.a.url: the url must not hold a '?' or '#' part.",
    ],
    ['accounts: {a: {provider: groq, url: "http://"}}', '1:37 accounts.a.url: this is not a valid url.'],
  ];
  for (const [text, problem] of cases) {
    test(`${text} is told as a sentence`, () => assert.deepEqual(problemsOf(text), [`config.yaml:${problem}`]));
  }
});

describe('references', () => {
  const cases: readonly [text: string, problem: string][] = [
    ['chains: {a: [gpt-4]}', "1:14 chains.a[0]: 'gpt-4' is not a target. Write account/model, such as openai/gpt-5."],
    ['chains: {a: [opneai/x]}', "1:14 chains.a[0]: 'opneai' is neither an account nor a provider."],
    [
      'accounts: {main: {provider: groq}}\nchains: {a: [mian/x]}',
      "2:14 chains.a[0]: 'mian' is neither an account nor a provider. Did you mean 'main'?",
    ],
    [
      'accounts: {main: {provider: groq}}\nchains: {a: [{model: x, account: mian}]}',
      "2:34 chains.a[0].account: there is no account 'mian'. Did you mean 'main'?",
    ],
    ['chains: {a: [{model: x}]}', "1:14 chains.a[0]: give the target a 'provider' or an 'account'."],
    [
      'accounts: {main: {provider: groq}}\nchains: {a: [{model: x, account: main, key: k}]}',
      "2:14 chains.a[0]: the account 'main' already says where and with which key; remove 'provider', 'key', 'url' and the like here.",
    ],
    [
      'chains: {a: [{model: x, provider: local}]}',
      "1:14 chains.a[0]: the provider 'local' needs a 'url', such as http://127.0.0.1:8000/v1.",
    ],
    [
      'chains: {a: [{model: x, provider: bedrock}]}',
      "1:35 chains.a[0].provider: unknown provider 'bedrock'. Known providers: anthropic, azure, gemini, groq, local, ollama, openai, openai-compatible.",
    ],
    ['accounts: {a: {provider: groq, key: a, keys: [b]}}', "1:15 accounts.a: give 'key' or 'keys', not both."],
    ['accounts: {a/b: {provider: groq}}', `1:17 accounts["a/b"]: an account's name must not contain '/'.`],
    [
      'accounts: {one: {provider: groq, key: a}, two: {provider: groq, key: b}}\nchains: {a: [{model: x, provider: groq}]}',
      "2:14 chains.a[0]: several accounts use the provider 'groq': one, two. Give one as 'account'.",
    ],
    [
      'chains: {fast: [ollama/a]}\naliases: {gpt-4: fats}',
      "2:18 aliases.gpt-4: 'fats' is neither a chain nor account/model. Did you mean 'fast'?",
    ],
    [
      'chains: {fast: [ollama/a]}\naliases: {fast: ollama/b}',
      "2:17 aliases.fast: the alias 'fast' would hide the chain of the same name.",
    ],
    [
      'chains: {fast: [ollama/a]}\ndefaultChain: fats',
      "2:15 defaultChain: there is no chain 'fats'. Did you mean 'fast'?",
    ],
    ['server: {anonymous: maybe}', '1:21 server.anonymous: must be one of until-first-key, never, always.'],
  ];
  for (const [text, problem] of cases) {
    test(`${text} is told as a sentence`, () => assert.deepEqual(problemsOf(text), [`config.yaml:${problem}`]));
  }
});

describe('YAML', () => {
  const cases: readonly [text: string, problems: readonly string[]][] = [
    ['chains:\n\ta: 1', ['2:1 YAML does not allow tabs as indentation; use spaces.']],
    ['log: {level: "info}', ['1:20 a closing quote, bracket, comma or colon is missing here.']],
    ['a: b: c', ["1:4 two 'key: value' pairs stand on one line; put text that contains ': ' in quotes."]],
    ['log: {}\nlog: {}\nlog: {}', ["2:1 the key 'log' is given twice.", "3:1 the key 'log' is given twice."]],
    ['log: {}\n---\nlog: {}', ["2:1 the file holds several YAML documents; remove the '---' line."]],
    ['log: !!js/function x', ['1:6 this YAML tag is not supported.']],
    [
      'chains:\n  a:\n    - {model: m, provider: groq, key: ${KEY}}',
      ["3:40 inside { } and [ ] a '${VARIABLE}' must be in quotes."],
    ],
  ];
  for (const [text, problems] of cases) {
    test(`${JSON.stringify(text)} is told as a sentence`, () => {
      assert.deepEqual(
        problemsOf(text),
        problems.map((problem) => `config.yaml:${problem}`),
      );
    });
  }

  test('anchors and merge keys share settings, and problems are told where the key stands', () => {
    const text =
      'chains:\n  a:\n    - &base {provider: groq, key: k, model: m, timeouts: {ttftMs: 1s}}\n    - {<<: *base, model: n}\n';
    const targets = parse(text).config.chains.a?.targets;
    assert.deepEqual(
      targets?.map(({ account, model, timeouts }) => [account, model, timeouts]),
      [
        ['groq', 'm', { ttftMs: 1_000 }],
        ['groq', 'n', { ttftMs: 1_000 }],
      ],
    );
    assert.deepEqual(problemsOf(text.replace('model: n', 'modle: n')), [
      "config.yaml:4:19 chains.a[1]: unknown key 'modle'. Did you mean 'model'?",
    ]);
  });

  test('aliases that expand without end are refused', () => {
    const levels = ['a0: &a0 [x, x]'];
    for (let level = 1; level < 12; level++) {
      levels.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    assert.deepEqual(problemsOf(levels.join('\n')), ['config.yaml: the aliases expand to too many values.']);
  });

  test('an alias without an anchor is refused', () => {
    assert.deepEqual(problemsOf('log: *nowhere'), [
      "config.yaml:1:6 this '*alias' has no matching '&anchor' before it.",
    ]);
  });
});

describe('keys', () => {
  const SECRET = 'sk-proj-4f9Zq2Lx8Vb7Nm1Kc6';
  const VALID = `accounts:
  main: {provider: openai, key: ${SECRET}}
  more:
    provider: groq
    keys: [a, ${SECRET}]
server: {apiKeys: [${SECRET}]}
chains:
  default:
    - main/gpt
    - {model: m, provider: anthropic, key: "${SECRET}", headers: {x-a: ${SECRET}}}
`;

  test('never appear in a message, however the file is broken', () => {
    const fragments = fc.constantFrom(
      '',
      '\n',
      ' ',
      ':',
      '-',
      '- ',
      '[',
      '}',
      '"',
      '*',
      '!',
      '&',
      '${',
      '\t',
      'x',
      '1',
    );
    const edit = fc.record({ at: fc.nat(VALID.length), length: fc.nat(6), insert: fragments });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let text = VALID;
        for (const { at, length, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + length);
        try {
          for (const { message } of parse(text).warnings) assert.ok(!message.includes(SECRET), message);
        } catch (error) {
          assert.ok(error instanceof ConfigError, `${error}`);
          assert.ok(!error.message.includes(SECRET), error.message);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('in the place of a name are hidden', () => {
    assert.deepEqual(problemsOf(`chains: {a: [${SECRET}]}\nlog: {${SECRET}: 1}`), [
      "config.yaml:1:14 chains.a[0]: '(hidden)' is not a target. Write account/model, such as openai/gpt-5.",
      "config.yaml:2:7 log: unknown key '(hidden)'. Known keys: level, format.",
    ]);
  });

  test('that are unset make only their own targets unusable', () => {
    const text = `accounts:
  o: {provider: openai, keys: ["\${A}", k2]}
  g: {provider: groq, key: "\${B}"}
chains:
  default: [o/gpt, g/llama]
  fast: [g/llama]
aliases: {x: fast, y: g/z}
defaultChain: fast
`;
    assert.deepEqual(parse(text).config.accounts, {
      o: { provider: 'openai', keys: ['k2'], headers: {}, models: [] },
    });
    assert.deepEqual(warningsOf(text), [
      'config.yaml:2:32 accounts.o.keys[0]: the environment variable A is not set, so this key is left out.',
      "config.yaml:3:28 accounts.g.key: the environment variable B is not set, so the account 'g' is skipped.",
      "config.yaml:5:20 chains.default[1]: the account 'g' has no key, so this target is skipped.",
      "config.yaml:6:9 chains.fast: the chain 'fast' has no usable target and is left out.",
      "config.yaml:6:10 chains.fast[0]: the account 'g' has no key, so this target is skipped.",
      "config.yaml:7:14 aliases.x: 'fast' is left out, and the alias 'x' with it.",
      "config.yaml:7:23 aliases.y: 'g/z' is left out, and the alias 'y' with it.",
      "config.yaml:8:15 defaultChain: the chain 'fast' is left out, so unknown model names are refused.",
    ]);
  });
});
