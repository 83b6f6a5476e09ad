// What the tests of the configuration share: a parser with a small set of providers, and problems as lines.

import assert from 'node:assert/strict';
import { ConfigError, formatProblem } from '../../src/config/config-error.ts';
import type { Environment } from '../../src/config/interpolate.ts';
import { type LoadedConfig, parseConfig } from '../../src/config/load.ts';

export const PROVIDERS: ReadonlySet<string> = new Set([
  'openai',
  'anthropic',
  'gemini',
  'azure',
  'groq',
  'ollama',
  'openai-compatible',
  'local',
]);

export function parse(text: string, env: Environment = {}): LoadedConfig {
  return parseConfig(text, { path: 'config.yaml', env: { HOME: '/home/ada', ...env }, providers: PROVIDERS });
}

/** The lines of the error that the text must cause. */
export function problemsOf(text: string, env: Environment = {}): string[] {
  try {
    parse(text, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split('\n');
  }
  return assert.fail('the configuration was accepted');
}

export function warningsOf(text: string, env: Environment = {}): string[] {
  return parse(text, env).warnings.map((warning) => formatProblem('config.yaml', warning));
}
