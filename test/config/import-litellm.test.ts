import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { importLitellm, type LitellmImport } from '../../src/config/import-litellm.ts';
import { PROVIDERS, parse } from './support.ts';

/** What LiteLLM says of itself in every import. */
const ADDRESS_NOTE =
  'LiteLLM listens on 0.0.0.0:4000, flowmesh on 127.0.0.1:2402: set server.host and server.port to keep the address.';
const OPEN_NOTE = 'general_settings has no master_key: without server.apiKeys only this machine may call.';

function convert(text: string): LitellmImport {
  return importLitellm(text, { path: 'litellm.yaml', providers: PROVIDERS });
}

function targetsOf(yaml: string, chain: string, env: Record<string, string> = {}): string[] {
  return parse(yaml, env).config.chains[chain]?.targets.map(({ account, model }) => `${account}/${model}`) ?? [];
}

test("LiteLLM's quick start becomes accounts, chains and comments", () => {
  const { yaml, notes } = convert(`model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_key: "os.environ/AZURE_API_KEY_EU"
      api_version: "2024-10-21"
      rpm: 6
  - model_name: vllm-models
    litellm_params:
      model: openai/facebook/opt-125m
      api_base: http://127.0.0.1:4000/v1
      api_key: none
litellm_settings:
  drop_params: True
  success_callback: ["langfuse"]
general_settings:
  master_key: os.environ/MASTER_KEY
`);
  assert.equal(
    yaml,
    `# Imported from LiteLLM. What is different now:
# - litellm_settings.drop_params (true) has no equivalent: docs/dialects.md says what each upstream cannot express and what happens to it.
# - litellm_settings.success_callback has no equivalent.
# - ${ADDRESS_NOTE}

server:
  apiKeys:
    - \${MASTER_KEY}
accounts:
  azure:
    provider: azure
    key: \${AZURE_API_KEY_EU}
    url: https://my-endpoint-europe.openai.azure.com/
    apiVersion: 2024-10-21
  openai-compatible:
    provider: openai-compatible
    key: none
    url: http://127.0.0.1:4000/v1
chains:
  gpt-4o:
    # model_list[0].litellm_params.rpm (6) has no equivalent: flowmesh goes by the 429 answers and Retry-After of the provider.
    - azure/gpt-4o-eu
  vllm-models:
    - openai-compatible/facebook/opt-125m
`,
  );
  assert.deepEqual(notes, [
    'model_list[0].litellm_params.rpm (6) has no equivalent: flowmesh goes by the 429 answers and Retry-After of the provider.',
    'litellm_settings.drop_params (true) has no equivalent: docs/dialects.md says what each upstream cannot express and what happens to it.',
    'litellm_settings.success_callback has no equivalent.',
    ADDRESS_NOTE,
  ]);
  const { config } = parse(yaml, { AZURE_API_KEY_EU: 'a', MASTER_KEY: 'm' });
  assert.deepEqual(config.server.apiKeys, ['m']);
  assert.equal(config.accounts.azure?.apiVersion, '2024-10-21');
});

describe('deployments of one name', () => {
  const deployment = (model: string, more = '') =>
    `  - {model_name: m, litellm_params: {model: ollama/${model}${more}}}\n`;
  const chainOf = (deployments: string, more = '') => {
    const { yaml, notes } = convert(`model_list:\n${deployments}${more}`);
    const { targets = [], routing } = parse(yaml).config.chains.m ?? {};
    const weights = routing?.members.map(({ weight }) => weight);
    return { targets: targets.map(({ model }) => model), strategy: routing?.strategy.type, weights, notes, yaml };
  };

  test('become one chain that spreads calls as LiteLLM does', () => {
    const { targets, strategy, weights, notes } = chainOf(deployment('a') + deployment('b'));
    assert.deepEqual(targets, ['a', 'b']);
    assert.equal(strategy, 'round-robin');
    assert.deepEqual(weights, [1, 1]);
    assert.deepEqual(notes, [OPEN_NOTE, ADDRESS_NOTE]);
  });

  test('keep their weights; later orders and those without a weight only stand by', () => {
    const { targets, weights } = chainOf(
      `${deployment('d', ', order: 2')}${deployment('b', ', order: 1, weight: 1')}${deployment('a', ', order: 1, weight: 2.5')}${deployment('c', ', order: 1')}`,
    );
    assert.deepEqual(targets, ['a', 'b', 'c', 'd']);
    assert.deepEqual(weights, [2.5, 1, 0, 0]);
  });

  test('are tried in order when the first order has only one', () => {
    const { targets, strategy } = chainOf(deployment('b', ', order: 2') + deployment('a', ', order: 1'));
    assert.deepEqual(targets, ['a', 'b']);
    assert.equal(strategy, undefined);
  });

  test('spread calls among themselves, with fallbacks standing by', () => {
    const { yaml, weights } = chainOf(
      `${deployment('a')}${deployment('b')}  - {model_name: n, litellm_params: {model: ollama/n}}\n`,
      'router_settings: {fallbacks: [{m: [n]}, {n: [m]}]}',
    );
    assert.deepEqual(weights, [1, 1, 0]);
    assert.deepEqual(targetsOf(yaml, 'n'), ['ollama/n', 'ollama/a', 'ollama/b']);
    assert.equal(parse(yaml).config.chains.n?.routing, undefined);
  });

  const counterparts: readonly [strategy: string, type: string, note?: string][] = [
    ['simple-shuffle', 'round-robin'],
    ['least-busy', 'least-load'],
    ['cost-based-routing', 'cost-optimal'],
    [
      'latency-based-routing',
      'fastest',
      'router_settings.routing_strategy (latency-based-routing) becomes fastest: it goes by the time to the first token, not to the last.',
    ],
    [
      'usage-based-routing-v2',
      'least-load',
      'router_settings.routing_strategy (usage-based-routing-v2) becomes least-load: it goes by requests in flight, not by tokens a minute.',
    ],
    [
      'moon-phase',
      'round-robin',
      'router_settings.routing_strategy (moon-phase) has no equivalent: round-robin takes its place.',
    ],
  ];
  for (const [written, type, note] of counterparts) {
    test(`are ordered by ${type} where LiteLLM says ${written}`, () => {
      const { strategy, notes } = chainOf(
        deployment('a') + deployment('b'),
        `router_settings: {routing_strategy: ${written}}`,
      );
      assert.equal(strategy, type);
      assert.deepEqual(notes, [OPEN_NOTE, ...(note ? [note] : []), ADDRESS_NOTE]);
    });
  }
});

test('fallbacks of every kind find their place, router_settings before litellm_settings', () => {
  const { yaml } = convert(`model_list:
  - {model_name: a, litellm_params: {model: ollama/a}}
  - {model_name: b, litellm_params: {model: ollama/b}}
  - {model_name: c, litellm_params: {model: ollama/c}}
litellm_settings:
  fallbacks: [{a: [c]}]
  default_fallbacks: [c]
  context_window_fallbacks: [{a: [b, c]}]
router_settings:
  fallbacks: [{a: [b]}]
  content_policy_fallbacks: [{b: [c]}]
`);
  assert.deepEqual(targetsOf(yaml, 'a'), ['ollama/a', 'ollama/b']);
  assert.deepEqual(targetsOf(yaml, 'b'), ['ollama/b', 'ollama/c']);
  assert.deepEqual(targetsOf(yaml, 'c'), ['ollama/c']);
  const { chains } = parse(yaml).config;
  assert.deepEqual(
    chains.a?.onContextLength.map(({ model }) => model),
    ['b', 'c'],
  );
  assert.deepEqual(
    chains.b?.onContentFilter.map(({ model }) => model),
    ['c'],
  );
});

test('settings become timeouts, retries, cooldown and aliases', () => {
  const { yaml, notes } = convert(`model_list:
  - {model_name: a, litellm_params: {model: ollama/a}}
litellm_settings: {num_retries: 3, request_timeout: 10}
router_settings:
  num_retries: 2
  timeout: 30.5
  stream_timeout: 5
  allowed_fails: 4
  cooldown_time: 60
  routing_strategy: least-busy
  model_group_alias: {x: a, y: {model: a, hidden: true}, z: gone, a: a}
`);
  const { config } = parse(yaml);
  assert.deepEqual(config.timeouts, { connectMs: 5_000, ttftMs: 5_000, idleMs: 120_000, totalMs: 30_500 });
  assert.equal(config.retries.max, 2);
  assert.deepEqual(config.cooldown, { failures: 4, baseMs: 60_000, maxMs: 300_000 });
  assert.deepEqual(config.aliases, { x: 'a', y: 'a' });
  assert.deepEqual(notes, [
    "model_group_alias 'y' cannot be hidden.",
    "model_group_alias 'z' is left out: 'gone' is.",
    "model_group_alias 'a' is left out: a chain has the name.",
    'timeouts.totalMs bounds a request with all its attempts; LiteLLM bounds each attempt.',
    OPEN_NOTE,
    ADDRESS_NOTE,
  ]);
});

test('what a deployment presets comes along, with a word on the difference', () => {
  const { yaml, notes } = convert(`model_list:
  - model_name: a
    litellm_params:
      model: gpt-4o
      api_key: sk-one
      organization: [org-1, org-2]
      temperature: 0.2
      extra_body: {store: false, prefix: ["\${x}", os.environ/TEAM]}
      extra_headers: {x-team: os.environ/TEAM}
      timeout: 30
      stream_timeout: "5"
      max_retries: 4
    model_info: {id: one, base_model: gpt-4o}
`);
  const extras = {
    model: 'gpt-4o',
    extraBody: { temperature: 0.2, store: false, prefix: ['${x}', 'blue'] },
    headers: { 'x-team': 'blue' },
    timeouts: { totalMs: 30_000, ttftMs: 5_000 },
    retries: { max: 4 },
    traits: {},
  };
  const { accounts, chains } = parse(yaml, { TEAM: 'blue' }).config;
  assert.deepEqual(chains.a?.targets, [
    { account: 'openai', ...extras },
    { account: 'openai-2', ...extras },
  ]);
  assert.deepEqual(
    Object.values(accounts).map(({ organization }) => organization),
    ['org-1', 'org-2'],
  );
  assert.deepEqual(notes.slice(0, 2), [
    'model_list[0]: extraBody (temperature) replaces what a client sends; in LiteLLM the client wins.',
    'model_list[0].model_info.base_model has no equivalent.',
  ]);
});

test('what a wildcard says of its requests is told to be left out', () => {
  const { notes } = convert(`model_list:
  - {model_name: "claude-*", litellm_params: {model: "anthropic/*", api_key: k, timeout: 5, extra_headers: {a: b}}}
`);
  assert.ok(
    notes.includes('model_list[0]: its headers, timeouts are left out: an account has none for all its models.'),
  );
});

test('wildcards become accounts that other settings may name', () => {
  const { yaml, notes } = convert(`model_list:
  - {model_name: "openai/*", litellm_params: {model: "openai/*", api_key: os.environ/OPENAI_API_KEY}}
  - {model_name: a, litellm_params: {model: ollama/a}}
  - {model_name: "*", litellm_params: {model: "*"}}
router_settings: {fallbacks: [{a: [openai/gpt-5, nowhere]}]}
`);
  assert.deepEqual(targetsOf(yaml, 'a', { OPENAI_API_KEY: 'k' }), ['ollama/a', 'openai/gpt-5']);
  assert.deepEqual(notes.slice(0, 3), [
    "fallbacks: no chain here is named 'nowhere', so it is left out.",
    "model_list[0]: the pattern 'openai/*' becomes an account; clients ask for openai/<model>, or for a bare model name.",
    "model_list[2]: flowmesh does not speak to '*', so * is left out.",
  ]);
});

test('variables that the file itself sets are put in where they are used, and credentials too', () => {
  const { yaml, notes } = convert(`environment_variables: {BASE: "http://127.0.0.1:9/v1"}
credential_list:
  - credential_name: shared
    credential_values: {api_key: os.environ/GROQ}
model_list:
  - {model_name: a, litellm_params: {model: openai/x, api_base: os.environ/BASE, api_key: "pa\${ss"}}
  - {model_name: b, litellm_params: {model: groq/y, litellm_credential_name: shared}}
`);
  const { accounts } = parse(yaml, { GROQ: 'g' }).config;
  assert.equal(accounts['openai-compatible']?.url, 'http://127.0.0.1:9/v1');
  assert.deepEqual(accounts['openai-compatible']?.keys, ['pa${ss']);
  assert.deepEqual(accounts.groq?.keys, ['g']);
  assert.equal(notes.at(-1), 'environment_variables (BASE) are put in where they are used; flowmesh sets none itself.');
});

test("a deployment without a key reads LiteLLM's variable by name", () => {
  const { yaml, notes } = convert('model_list: [{model_name: a, litellm_params: {model: claude-sonnet-5}}]');
  assert.deepEqual(targetsOf(yaml, 'a', { ANTHROPIC_API_KEY: 'k' }), ['anthropic/claude-sonnet-5']);
  assert.equal(
    notes[0],
    'model_list[0]: gives no api_key; LiteLLM reads ANTHROPIC_API_KEY then, so the key is ${ANTHROPIC_API_KEY}.',
  );
});

describe('what flowmesh cannot call', () => {
  const { yaml, notes } = convert(`model_list:
  - model_name: claude
    litellm_params: {model: bedrock/anthropic.claude, aws_secret_access_key: hunter2, aws_region_name: us-east-1}
  - {model_name: bad, litellm_params: {model: azure/x, api_key: k, api_base: "<your-endpoint>"}}
  - {model_name: good, litellm_params: {model: ollama/a}}
general_settings: {database_url: "postgres://u:hunter2@h/db"}
guardrails: [{name: hunter2}]
router_settings: {fallbacks: [{claude: [good]}], redis_password: hunter2}
`);

  test('is left out with a note at every place that is concerned', () => {
    assert.deepEqual(notes, [
      "model_list[0]: flowmesh does not speak to 'bedrock', so bedrock/anthropic.claude is left out.",
      'model_list[0].litellm_params.aws_secret_access_key has no equivalent.',
      'model_list[0].litellm_params.aws_region_name has no equivalent.',
      "The model 'claude' is left out: flowmesh can call none of its deployments.",
      'model_list[1]: the address of azure/x is not a full http(s) url, so it is left out.',
      "The model 'bad' is left out: flowmesh can call none of its deployments.",
      "fallbacks of 'claude' is left out: there is no such chain.",
      OPEN_NOTE,
      'router_settings.redis_password has no equivalent: flowmesh needs no Redis.',
      'general_settings.database_url has no equivalent: flowmesh needs no database server.',
      'guardrails has no equivalent.',
      ADDRESS_NOTE,
    ]);
  });

  test('stands in the file as comments, without any secret', () => {
    for (const note of notes) assert.ok(yaml.includes(`# - ${note}`), note);
    assert.ok(!yaml.includes('hunter2'));
    assert.deepEqual(targetsOf(yaml, 'good'), ['ollama/a']);
  });
});

test('a file that is not LiteLLM is refused', () => {
  assert.throws(
    () => convert('chains: {}'),
    (error) =>
      error instanceof ConfigError &&
      error.message === "litellm.yaml: this is not a LiteLLM configuration: it has no 'model_list'.",
  );
});
