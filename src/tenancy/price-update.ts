// Reads a table of prices from a file: our own shape, models.dev's api.json, or LiteLLM's
// model_prices_and_context_window.json. What cannot be used is left out and told.

import { type JsonObject, parseObject } from '../model/json.ts';
import type { ModelFacts } from './price.ts';
import { isLitellm, readLitellm } from './price-files/litellm.ts';
import { isModelsDev, readModelsDev } from './price-files/models-dev.ts';
import { isOwn, readOwn } from './price-files/own.ts';
import { Remarks } from './price-files/remarks.ts';

export interface PriceFile {
  readonly rows: readonly ModelFacts[];
  /** What was left out and why, a sentence each. With no rows: why there are none. */
  readonly problems: readonly string[];
}

/** LiteLLM's file has 3 MB and 4,500 models. */
export const PRICE_FILE_BYTES_MAX = 32 * 1024 * 1024;
const ROWS_MAX = 50_000;

type Reader = (file: JsonObject, date: string, remarks: Remarks) => ModelFacts[];

/** Ours first: foreign files are told by what their entries hold. */
const SHAPES: readonly { readonly is: (file: JsonObject) => boolean; readonly read: Reader }[] = [
  { is: isOwn, read: readOwn },
  { is: isLitellm, read: readLitellm },
  { is: isModelsDev, read: readModelsDev },
];

/** @param date of rows that tell none: the day they are read, YYYY-MM-DD */
export function readPriceFile(text: string, date: string): PriceFile {
  if (Buffer.byteLength(text) > PRICE_FILE_BYTES_MAX) return nothing('the file is larger than 32 MiB');
  const file = parseObject(text);
  if (!file) return nothing('the file is not a JSON object');
  const shape = SHAPES.find(({ is }) => is(file));
  if (!shape) {
    return nothing(
      'the file has none of the known shapes: flowmesh, models.dev (api.json), LiteLLM (model_prices_and_context_window.json)',
    );
  }
  const remarks = new Remarks();
  const rows = shape.read(file, date, remarks);
  if (rows.length > ROWS_MAX) return nothing(`the file has more than ${ROWS_MAX} models`);
  return { rows, problems: remarks.sentences() };
}

function nothing(problem: string): PriceFile {
  return { rows: [], problems: [problem] };
}
