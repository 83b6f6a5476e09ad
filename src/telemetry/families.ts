// Counters and histograms whose observation costs one lookup and an addition; prom-client writes them out. Its own ones
// build, check and hash an object of labels each time, seven times a request.

import type { Metric, Registry } from 'prom-client';

interface FamilyOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registry: Registry;
}

interface WrittenValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName: string;
}

interface Leaf<Series> {
  readonly labels: Readonly<Record<string, string>>;
  readonly series: Series;
}

/** Where the label values so far lead to. */
interface Branch<Series> {
  readonly branches: Map<string, Branch<Series>>;
  leaf: Leaf<Series> | undefined;
}

/** What all series of one name share; a series is one combination of label values, given in the order of the names. */
abstract class Family<Series> {
  abstract readonly type: 'counter' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #labelNames: readonly string[];
  readonly #root: Branch<Series> = { branches: new Map(), leaf: undefined };
  readonly #leaves: Leaf<Series>[] = [];

  constructor({ name, help, labelNames, registry }: FamilyOptions<string>) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    // The registry reads name, help, type and values; its type wants the methods of its own metrics besides.
    registry.registerMetric(this as unknown as Metric);
  }

  /** What prom-client asks for when it is scraped. */
  get(): Promise<object> {
    const values = this.#leaves.flatMap(({ labels, series }) => this.written(series, labels));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, values });
  }

  protected abstract created(): Series;
  protected abstract written(series: Series, labels: Readonly<Record<string, string>>): WrittenValue[];

  /** Label by label: one name for all of them would have to be put together and hashed each time. */
  protected seriesOf(labelValues: readonly string[]): Series {
    let at = this.#root;
    for (const value of labelValues) {
      let next = at.branches.get(value);
      if (!next) {
        next = { branches: new Map(), leaf: undefined };
        at.branches.set(value, next);
      }
      at = next;
    }
    at.leaf ??= this.#newLeaf(labelValues);
    return at.leaf.series;
  }

  #newLeaf(labelValues: readonly string[]): Leaf<Series> {
    const labels = Object.fromEntries(this.#labelNames.map((name, index) => [name, labelValues[index] ?? '']));
    const leaf = { labels, series: this.created() };
    this.#leaves.push(leaf);
    return leaf;
  }
}

export class CounterFamily extends Family<{ value: number }> {
  readonly type = 'counter';

  add(amount: number, ...labelValues: readonly string[]): void {
    this.seriesOf(labelValues).value += amount;
  }

  protected created(): { value: number } {
    return { value: 0 };
  }

  protected written({ value }: { value: number }, labels: Readonly<Record<string, string>>): WrittenValue[] {
    return [{ value, labels, metricName: this.name }];
  }
}

interface Distribution {
  /** One for each bucket, not cumulative, and one for what is above them all. */
  readonly counts: Float64Array;
  sum: number;
}

export class HistogramFamily extends Family<Distribution> {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];

  constructor({ buckets, ...options }: FamilyOptions<string> & { readonly buckets: readonly number[] }) {
    super(options);
    this.#bounds = buckets;
  }

  observe(value: number, ...labelValues: readonly string[]): void {
    const distribution = this.seriesOf(labelValues);
    distribution.sum += value;
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket += 1;
    distribution.counts[bucket] = (distribution.counts[bucket] ?? 0) + 1;
  }

  protected created(): Distribution {
    return { counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
  }

  protected written({ counts, sum }: Distribution, labels: Readonly<Record<string, string>>): WrittenValue[] {
    let count = 0;
    const buckets = [...counts].map((inBucket, index) => {
      count += inBucket;
      const le = this.#bounds[index] ?? '+Inf';
      return { value: count, labels: { le, ...labels }, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { value: sum, labels, metricName: `${this.name}_sum` },
      { value: count, labels, metricName: `${this.name}_count` },
    ];
  }
}
