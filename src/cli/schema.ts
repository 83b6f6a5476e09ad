// `flowmesh schema`: the JSON schema of the configuration.

import { configJsonSchema } from '../config/json-schema.ts';
import { printJson } from './terminal.ts';

export function schema(): void {
  printJson(configJsonSchema());
}
