// The data directory's prices.json: rows over the built-in table, written by `flowmesh prices update`.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelFacts } from './price.ts';
import { renderOwn } from './price-files/own.ts';
import { type PriceFile, readPriceFile } from './price-update.ts';

const FILE_NAME = 'prices.json';
const NONE: PriceFile = { rows: [], problems: [] };

export function priceStorePath(dataDirectory: string): string {
  return join(dataDirectory, FILE_NAME);
}

/**
 * Nothing when there is no file. What is wrong in it is told and left out: prices must not keep a node from starting.
 * @param today for rows without a date, YYYY-MM-DD
 */
export function readPriceStore(dataDirectory: string, today: string): PriceFile {
  let text: string;
  try {
    text = readFileSync(priceStorePath(dataDirectory), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return NONE;
    throw error;
  }
  return readPriceFile(text, today);
}

/** Readers see the old file or the new one, never half of one. */
export function writePriceStore(dataDirectory: string, rows: readonly ModelFacts[]): void {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const path = priceStorePath(dataDirectory);
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(unfinished, 'w', 0o600);
    try {
      writeFileSync(file, renderOwn(rows));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
