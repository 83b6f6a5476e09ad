// Turns LiteLLM's config.yaml into ours, for `flowmesh import litellm`. What has no equivalent becomes a comment at its
// place and a note for the terminal. Facts: https://docs.litellm.ai/docs/proxy/configs and …/config_settings.

import { asObject, type JsonObject } from '../model/json.ts';
import { fileError } from './config-error.ts';
import { DEFAULT_CHAIN_NAME } from './defaults.ts';
import { renderImport } from './litellm/render.ts';
import { LitellmRoutes } from './litellm/routes.ts';
import { LitellmSection } from './litellm/section.ts';
import { readStrategy } from './litellm/strategy.ts';
import { readYaml } from './yaml-source.ts';

export interface LitellmImport {
  /** Our configuration, which parseConfig accepts. */
  readonly yaml: string;
  /** Everything that was left out or means something slightly else; also in the YAML as comments. */
  readonly notes: readonly string[];
}

export interface LitellmImportOptions {
  /** For messages. */
  readonly path: string;
  readonly providers: ReadonlySet<string>;
}

/** @throws ConfigError when the text is not YAML, or not a LiteLLM configuration */
export function importLitellm(text: string, { path, providers }: LitellmImportOptions): LitellmImport {
  const value = asObject(readYaml(text, path).value);
  if (value?.model_list === undefined) {
    throw fileError(path, "this is not a LiteLLM configuration: it has no 'model_list'.");
  }
  const environment = asObject(value.environment_variables) ?? {};
  const file = new LitellmSection('', value as JsonObject, environment);
  file.take('environment_variables');
  const router = new LitellmSection('router_settings', file.take('router_settings'), environment);
  const library = new LitellmSection('litellm_settings', file.take('litellm_settings'), environment);
  const general = new LitellmSection('general_settings', file.take('general_settings'), environment);

  const strategy = readStrategy(router.take('routing_strategy'));
  const routes = new LitellmRoutes(providers, environment, strategy.type);
  routes.addCredentials(file.take('credential_list'));
  routes.addModels(file.take('model_list'));
  // Both sections may hold these; both must count as read.
  const either = (key: string) => [router.take(key), library.take(key)].find((setting) => setting !== undefined);
  routes.addFallbacks({
    general: either('fallbacks'),
    byDefault: either('default_fallbacks'),
    contextWindow: either('context_window_fallbacks'),
    contentPolicy: either('content_policy_fallbacks'),
  });
  routes.addAliases(either('model_group_alias'));

  const settings = readSettings(router, library, general);
  const notes = [
    ...routes.notes,
    ...settings.notes,
    ...strategy.notes,
    ...[router, library, general, file].flatMap((section) => section.unreadNotes()),
    ...standingNotes(routes, environment),
  ];
  return renderImport(routes, settings.values, notes);
}

interface Settings {
  readonly values: JsonObject;
  readonly notes: readonly string[];
}

function readSettings(router: LitellmSection, library: LitellmSection, general: LitellmSection): Settings {
  const notes: string[] = [];
  const masterKey = general.takeText('master_key');
  const routerRetries = router.takeInteger('num_retries');
  const libraryRetries = library.takeInteger('num_retries');
  const max = routerRetries ?? libraryRetries;
  const routerTotal = router.takeSeconds('timeout');
  const libraryTotal = library.takeSeconds('request_timeout');
  const totalMs = routerTotal ?? libraryTotal;
  const ttftMs = router.takeSeconds('stream_timeout');
  const routerFails = router.takeInteger('allowed_fails');
  const failures = routerFails ?? library.takeInteger('allowed_fails');
  const routerPause = router.takeSeconds('cooldown_time');
  const baseMs = routerPause ?? library.takeSeconds('cooldown_time');
  if (totalMs !== undefined) {
    notes.push('timeouts.totalMs bounds a request with all its attempts; LiteLLM bounds each attempt.');
  }
  if (masterKey === undefined) {
    notes.push('general_settings has no master_key: without server.apiKeys only this machine may call.');
  }
  return {
    notes,
    values: {
      ...(masterKey !== undefined && { server: { apiKeys: [masterKey] } }),
      ...((totalMs ?? ttftMs) !== undefined && {
        timeouts: { ...(ttftMs !== undefined && { ttftMs }), ...(totalMs !== undefined && { totalMs }) },
      }),
      ...(max !== undefined && { retries: { max: Math.min(max, 10) } }),
      ...((failures ?? baseMs) !== undefined && {
        cooldown: {
          ...(failures !== undefined && { failures: Math.max(failures, 1) }),
          ...(baseMs !== undefined && { baseMs }),
        },
      }),
    },
  };
}

function standingNotes(routes: LitellmRoutes, environment: JsonObject): string[] {
  const notes = [
    'LiteLLM listens on 0.0.0.0:4000, flowmesh on 127.0.0.1:2402: set server.host and server.port to keep the address.',
  ];
  const variables = Object.keys(environment);
  if (variables.length > 0) {
    notes.push(
      `environment_variables (${variables.join(', ')}) are put in where they are used; flowmesh sets none itself.`,
    );
  }
  if (routes.chains.has(DEFAULT_CHAIN_NAME)) {
    notes.push(
      `The chain '${DEFAULT_CHAIN_NAME}' serves every model name that nothing else matches; LiteLLM refuses those.`,
    );
  }
  return notes;
}
