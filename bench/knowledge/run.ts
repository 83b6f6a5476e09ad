// Measures the knowledge brain, prints, and rewrites its section of docs/benchmarks.md.
//
//   node bench/knowledge/run.ts             quality, a million passages, responsiveness
//   node bench/knowledge/run.ts --quick     the same with fewer passages, only printed
//   node bench/knowledge/run.ts quality     only this, only printed

import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneOf, readOptions } from '../../scripts/command-line.ts';
import { circumstances, writeSection } from '../document.ts';
import type { LoopDelay } from '../event-loop-probe.ts';
import { debianSet } from './debian.ts';
import { generatedSet } from './generated.ts';
import type { LabelledSet } from './labelled-set.ts';
import { measureQuality, type QualityRow } from './quality.ts';
import { measureResponsiveness, type ResponsivenessResult } from './responsiveness.ts';
import { measureScale, type ScaleResult } from './scale.ts';

const FULL = { labelled: 60_000, questions: 1_500, passages: 1_000_000, asked: 1_000, imported: 100_000 };
const QUICK = { labelled: 8_000, questions: 300, passages: 40_000, asked: 200, imported: 20_000 };

const { values, positionals } = readOptions({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
for (const name of positionals) oneOf('question', name, ['quality', 'scale', 'responsiveness']);
const settings = values.quick ? QUICK : FULL;
const isAsked = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
const loadAverage = loadavg()[0] ?? 0;
const directory = mkdtempSync(join(tmpdir(), 'flowmesh-bench-'));

try {
  const section = [
    '## Knowledge',
    isAsked('quality') ? qualityTable(qualityRows()) : '',
    isAsked('scale')
      ? scaleTable(await measureScale({ directory, passages: settings.passages, questions: settings.asked }))
      : '',
    isAsked('responsiveness') ? responsivenessTable(await measureResponsiveness(settings.imported)) : '',
    circumstances(values.quick ? 'quick' : 'full', loadAverage),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
  process.stdout.write(`${section}\n`);
  if (!values.quick && positionals.length === 0) writeSection('knowledge', section);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function qualityRows(): QualityRow[] {
  const real = debianSet(directory, settings.labelled, settings.questions);
  const sets: LabelledSet[] = [...(real ? [real] : []), generatedSet(settings.labelled, settings.questions)];
  return sets.map(measureQuality);
}

function qualityTable(rows: readonly QualityRow[]): string {
  const cell = (value: number | undefined): string => (value === undefined ? 'not installed' : value.toFixed(3));
  return [
    '| questions over passages | | flowmesh | plain FTS5, all words | BM25 of wink-bm25-text-search |',
    '| --- | --- | ---: | ---: | ---: |',
    ...rows.flatMap(({ set, questions, passages, flowmesh, plain, reference }) => [
      `| ${set}: ${questions} over ${passages} | nDCG@10 | ${cell(flowmesh.ndcg)} | ${cell(plain.ndcg)} | ${cell(reference?.ndcg)} |`,
      `| | recall@10 | ${cell(flowmesh.recall)} | ${cell(plain.recall)} | ${cell(reference?.recall)} |`,
    ]),
  ].join('\n');
}

function scaleTable(result: ScaleResult): string {
  const { searchMs, searchWhileStoringMs } = result;
  const times = ({ p50, p99, max }: ScaleResult['searchMs']): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`;
  return [
    `| ${result.passages} passages of 500 characters | goal | measured |`,
    '| --- | ---: | ---: |',
    `| stored a second | ≥ 5000 | ${result.passagesPerSecond.toFixed(0)} |`,
    `| size of the file over the text | ≤ 2.2 | ${result.sizeRatio.toFixed(2)} |`,
    `| a search, 5 to 15 words | p50 ≤ 20 ms, p99 ≤ 120 ms | ${times(searchMs)} |`,
    `| the same while documents are stored | | ${times(searchWhileStoringMs)} |`,
    `| FTS5 integrity check | sound | ${result.isSound ? 'sound' : 'DAMAGED'} |`,
  ].join('\n');
}

function responsivenessTable(result: ResponsivenessResult): string {
  const { passages, passagesPerSecond, calm, importing, streams, searches, searchP50Ms } = result;
  const late = ({ p50, p99, max }: LoopDelay): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(0)} ms`;
  return [
    '| a node with 50 streams | goal | measured |',
    '| --- | ---: | ---: |',
    `| event loop of the main thread late, streams alone | | ${late(calm)} |`,
    `| … while ${passages} passages are imported and somebody searches | p99 ≤ 10 ms | ${late(importing)} |`,
    `| passages a second, through the admin API | | ${passagesPerSecond.toFixed(0)} |`,
    `| a frame under way, upstream's write to client's read | | p50 ${streams.transit.p50.toFixed(1)} ms, p99 ${streams.transit.p99.toFixed(1)} ms |`,
    `| frames lost or out of order | 0 | ${streams.lost + streams.reordered} of ${streams.frames} |`,
    `| ${searches} searches meanwhile | | p50 ${searchP50Ms.toFixed(1)} ms |`,
  ].join('\n');
}
