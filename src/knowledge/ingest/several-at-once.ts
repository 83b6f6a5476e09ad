// Works on many things, a few at a time, and tells of each when it is done.

/** Results come in the order in which they are ready. Aborting starts nothing new; what runs is waited for. */
export async function* severalAtOnce<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  count: number,
  work: (item: Item) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const running = new Map<number, Promise<readonly [number: number, result: Result]>>();
  const next = async (): Promise<Result> => {
    const [number, result] = await Promise.race(running.values());
    running.delete(number);
    return result;
  };
  let started = 0;
  for await (const item of items) {
    if (signal?.aborted) break;
    const number = started;
    started += 1;
    const done = work(item).then((result) => [number, result] as const);
    // It may fail while the next item is waited for; whoever takes the results hears of it then.
    done.catch(() => undefined);
    running.set(number, done);
    if (running.size >= count) yield await next();
  }
  while (running.size > 0) yield await next();
}
