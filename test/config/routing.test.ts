import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChainRouting } from '../../src/config/routing.ts';
import { parse, problemsOf, warningsOf } from './support.ts';

function routingOf(text: string, chain = 'a'): ChainRouting | undefined {
  return parse(text).config.chains[chain]?.routing;
}

const target = (index: number, weight = 1) => ({ type: 'target', index, weight });

describe('a chain', () => {
  test('without a strategy is plain', () => {
    assert.equal(routingOf('chains: {a: [ollama/x, ollama/y]}'), undefined);
    assert.equal(routingOf('chains: {a: {targets: [ollama/x], affinity: off}}'), undefined);
  });

  test('takes a strategy by its name, with weights', () => {
    assert.deepEqual(
      routingOf(
        'chains: {a: {strategy: round-robin, affinity: session, targets: [ollama/x, {model: y, provider: ollama, weight: 2.5}]}}',
      ),
      {
        strategy: { type: 'round-robin', unfit: 'skip' },
        affinity: 'session',
        members: [target(0), target(1, 2.5)],
      },
    );
  });

  test('takes a strategy with thresholds', () => {
    const text =
      'chains: {a: {strategy: {type: cost-optimal, maxTtftMs: 2s, minQuality: 60, unfit: last}, targets: [ollama/x]}}';
    assert.deepEqual(routingOf(text)?.strategy, {
      type: 'cost-optimal',
      maxTtftMs: 2_000,
      minQuality: 60,
      unfit: 'last',
    });
  });

  test('has the targets of the chains inside it in their place, and the tree beside them', () => {
    const text = `chains:
  a:
    strategy: fastest
    targets: [ollama/x, {chain: b, weight: 3}, ollama/z]
  b:
    strategy: round-robin
    timeouts: {ttftMs: 1s, idleMs: 1s}
    targets: [ollama/p, {model: q, provider: ollama, timeouts: {idleMs: 2s}}]
`;
    const chain = parse(text).config.chains.a;
    assert.deepEqual(
      chain?.targets.map(({ model, timeouts }) => [model, timeouts]),
      [
        ['x', {}],
        ['p', { ttftMs: 1_000, idleMs: 1_000 }],
        ['q', { ttftMs: 1_000, idleMs: 2_000 }],
        ['z', {}],
      ],
    );
    assert.deepEqual(chain?.routing?.members, [
      target(0),
      {
        type: 'chain',
        name: 'b',
        weight: 3,
        routing: {
          strategy: { type: 'round-robin', unfit: 'skip' },
          affinity: 'auto',
          members: [target(1), target(2)],
        },
      },
      target(3),
    ]);
  });

  test('is needed where a target says how much it can run at once', () => {
    const { chains } = parse('chains: {a: [{model: x, provider: ollama, capacity: 2}, ollama/y]}').config;
    assert.deepEqual(
      chains.a?.targets.map(({ capacity }) => capacity),
      [2, undefined],
    );
    assert.deepEqual(chains.a?.routing?.strategy, { type: 'priority', unfit: 'skip' });
    assert.deepEqual(problemsOf('chains: {a: [{model: x, provider: ollama, capacity: 0}]}'), [
      'config.yaml:1:53 chains.a[0].capacity: must be a whole number from 1 to 100000.',
    ]);
  });

  test('leaves out a nested chain that has nothing usable', () => {
    const text = 'chains: {a: [ollama/x, {chain: b}], b: [{model: m, provider: groq, key: "${K}"}]}';
    assert.deepEqual(routingOf(text)?.members, [target(0)]);
    assert.deepEqual(warningsOf(text).slice(-1), [
      'config.yaml:1:73 chains.b[0].key: the environment variable K is not set, so the target groq/m is skipped.',
    ]);
  });

  test('may say how it uses other nodes', () => {
    const text = 'chains: {a: {targets: [ollama/x], peers: equal}, b: [ollama/x]}';
    const { a, b } = parse(text).config.chains;
    assert.deepEqual([a?.peers, a?.routing, b?.peers], ['equal', undefined, undefined]);
  });

  test('may fall back to another chain when the prompt is too long', () => {
    const text = 'chains: {a: {targets: [ollama/x], onContextLength: [{chain: b}]}, b: [ollama/y, ollama/z]}';
    assert.deepEqual(
      parse(text).config.chains.a?.onContextLength.map(({ model }) => model),
      ['y', 'z'],
    );
  });
});

describe('what is wrong with a chain', () => {
  const grown = [...'abcdefghijk'].map((name, index, all) => {
    const next = all[index + 1];
    return next ? `  ${name}: [{chain: ${next}}, {chain: ${next}${next}}]\n  ${next}${next}: [{chain: ${next}}]` : '';
  });
  const cases: readonly [text: string, problem: string][] = [
    [
      'chains: {a: [{chain: b}], b: [{chain: c}], c: [{chain: a}]}',
      '1:56 chains.c[0].chain: the chains refer to each other in a circle: a → b → c → a.',
    ],
    ['chains: {a: [{chain: a}]}', '1:22 chains.a[0].chain: the chains refer to each other in a circle: a → a.'],
    [
      'chains: {fast: [ollama/x], a: [{chain: fats}]}',
      "1:40 chains.a[0].chain: there is no chain 'fats'. Did you mean 'fast'?",
    ],
    [
      'chains: {b: [ollama/x], a: [{chain: b}, {chain: b}]}',
      "1:49 chains.a[1].chain: the chain 'b' is named twice here; give it more weight instead.",
    ],
    [
      'chains: {b: [ollama/x], a: [{chain: b, model: m}]}',
      "1:29 chains.a[0]: a target that is a 'chain' takes no other key than 'weight'.",
    ],
    [
      'chains: {a: {strategy: fastets, targets: [ollama/x]}}',
      "1:24 chains.a.strategy: must be one of priority, round-robin, least-load, fastest, cost-optimal. Did you mean 'fastest'?",
    ],
    [
      'chains: {a: {strategy: {type: fastest, maxTtft: 2s}, targets: [ollama/x]}}',
      "1:40 chains.a.strategy: unknown key 'maxTtft'. Did you mean 'maxTtftMs'?",
    ],
    [
      'chains: {a: {targets: [ollama/x], peers: sometimes}}',
      '1:42 chains.a.peers: must be one of never, overflow, equal.',
    ],
    [
      'chains: {a: [{model: x, provider: ollama, weight: -1}]}',
      '1:51 chains.a[0].weight: must be a number from 0 to 1000000.',
    ],
    [
      `chains:\n${grown.join('\n')}\n  k: [ollama/x]\n`,
      '2:6 chains.a: with the chains inside it the chain has more than 1000 targets.',
    ],
  ];
  for (const [text, problem] of cases) {
    test(`is told as a sentence: ${problem.slice(problem.indexOf(': ') + 2)}`, () => {
      assert.deepEqual(problemsOf(text), [`config.yaml:${problem}`]);
    });
  }
});

describe('rules', () => {
  test('are read in order, with every kind of condition', () => {
    const text = `chains: {cheap: [ollama/x], strong: [ollama/y]}
rules:
  - name: night
    when:
      time: {from: "22:00", to: "6:30", days: [fri, sat]}
      models: auto
      promptTokens: {max: 500}
    use: cheap
  - when:
      any:
        - {complexity: {min: 40}}
        - {all: [{images: true}, {not: {languages: [de, en]}}]}
      pattern: 'prove|beweis\\w*'
      headers: {x-tier: gold*}
    use: ollama/z
  - {when: {}, use: strong}
`;
    assert.deepEqual(parse(text).config.rules, [
      {
        name: 'night',
        when: {
          time: { from: 1_320, to: 390, days: ['fri', 'sat'] },
          models: ['auto'],
          promptTokens: { max: 500 },
        },
        use: 'cheap',
      },
      {
        when: {
          any: [{ complexity: { min: 40 } }, { all: [{ images: true }, { not: { languages: ['de', 'en'] } }] }],
          pattern: 'prove|beweis\\w*',
          headers: { 'x-tier': 'gold*' },
        },
        use: 'ollama/z',
      },
      { when: {}, use: 'strong' },
    ]);
  });

  test('that lead to something without a key are left out', () => {
    const text =
      'accounts: {g: {provider: groq, key: "${K}"}}\nchains: {a: [ollama/x]}\nrules: [{when: {}, use: g/m}, {when: {}, use: a}]';
    assert.deepEqual(parse(text).config.rules, [{ when: {}, use: 'a' }]);
    assert.deepEqual(warningsOf(text).slice(-1), [
      "config.yaml:3:25 rules[0].use: 'g/m' is left out, and this rule with it.",
    ]);
  });

  const cases: readonly [rule: string, problem: string][] = [
    [
      '{when: {}, use: chaep}',
      "2:25 rules[0].use: 'chaep' is neither a chain nor account/model. Did you mean 'cheap'?",
    ],
    ['{use: cheap}', "2:9 rules[0]: 'when' is missing."],
    [
      '{when: {tokens: 1}, use: cheap}',
      "2:17 rules[0].when: unknown key 'tokens'. Known keys: models, promptTokens, turns, complexity, tools, images, audio, documents, jsonSchema, reasoning, keywords, pattern, languages, headers, tenants, keyTags, metadata, time, all, any, not.",
    ],
    [
      '{when: {any: [{language: de}]}, use: cheap}',
      "2:24 rules[0].when.any[0]: unknown key 'language'. Did you mean 'languages'?",
    ],
    ['{when: {turns: {min: 3, max: 2}}, use: cheap}', "2:24 rules[0].when.turns: 'min' is greater than 'max'."],
    [
      '{when: {pattern: "(a"}, use: cheap}',
      '2:26 rules[0].when.pattern: this is not a valid regular expression: Unterminated group.',
    ],
    [
      '{when: {time: {from: "25:00", to: "1:00"}}, use: cheap}',
      '2:30 rules[0].when.time.from: must be a time of day such as "22:30".',
    ],
    ['{when: {keywords: []}, use: cheap}', '2:27 rules[0].when.keywords: must not be empty.'],
    ['{when: {languages: []}, use: cheap}', '2:28 rules[0].when.languages: must not be empty.'],
    ['{when: {any: []}, use: cheap}', '2:22 rules[0].when.any: must not be empty.'],
    ['{when: {all: []}, use: cheap}', '2:22 rules[0].when.all: must not be empty.'],
  ];
  for (const [rule, problem] of cases) {
    test(`${rule} is told as a sentence`, () => {
      assert.deepEqual(problemsOf(`chains: {cheap: [ollama/x]}\nrules: [${rule}]`), [`config.yaml:${problem}`]);
    });
  }
});

describe('hedging', () => {
  const hedgeOf = (written: string) =>
    parse(`chains: {a: {hedge: ${written}, targets: [ollama/x, ollama/y]}}`).config.chains.a?.hedge;

  test('is off, on with its defaults, or as it is written', () => {
    assert.equal(parse('chains: {a: [ollama/x]}').config.chains.a?.hedge, undefined);
    assert.equal(hedgeOf('false'), undefined);
    assert.deepEqual(hedgeOf('true'), { afterMs: 3_000, budgetPercent: 10 });
    assert.deepEqual(hedgeOf('{}'), { afterMs: 3_000, budgetPercent: 10 });
    assert.deepEqual(hedgeOf('{afterMs: 800ms, budgetPercent: 2.5}'), { afterMs: 800, budgetPercent: 2.5 });
  });

  test('takes no share over the whole', () => {
    assert.deepEqual(problemsOf('chains: {a: {hedge: {budgetPercent: 101}, targets: [ollama/x]}}'), [
      'config.yaml:1:37 chains.a.hedge.budgetPercent: must be a number from 0 to 100.',
    ]);
  });
});

describe('a shadow', () => {
  const shadowOf = (written: string) =>
    parse(`chains: {a: {shadow: ${written}, targets: [ollama/x]}, b: [ollama/y]}`).config.chains.a?.shadow;

  test('goes to a chain or to account/model', () => {
    assert.deepEqual(shadowOf('{to: b, share: 0.05}'), { to: 'b', share: 0.05 });
    assert.deepEqual(shadowOf('{to: ollama/z, share: 1}'), { to: 'ollama/z', share: 1 });
  });

  test('must go somewhere, and somewhere else', () => {
    const problemOf = (to: string) =>
      problemsOf(`chains: {a: {shadow: {to: ${to}, share: 1}, targets: [ollama/x]}, beta: [ollama/y]}`);
    assert.deepEqual(problemOf('bet'), [
      "config.yaml:1:27 chains.a.shadow.to: 'bet' is neither a chain nor account/model. Did you mean 'beta'?",
    ]);
    assert.deepEqual(problemOf('a'), [
      'config.yaml:1:27 chains.a.shadow.to: a chain that is its own shadow tells nothing.',
    ]);
  });

  test('is left out together with the chain that it goes to', () => {
    const text =
      'chains: {a: {shadow: {to: b, share: 1}, targets: [ollama/x]}, b: [{model: m, provider: groq, key: "${NONE}"}]}';
    assert.equal(parse(text).config.chains.a?.shadow, undefined);
    assert.ok(warningsOf(text).some((warning) => warning.endsWith("'b' is left out, and the shadow with it.")));
  });
});
