// Which item an event belongs to. `output_index` says so at OpenAI, whose imitators are less exact: vLLM ends an item
// under the next one's index, others begin every item under the same; GitHub's ids change from event to event. So the
// index decides while id and index agree or the id is unknown, and a known id where they do not.

/** Where an event says that it belongs; an empty id says nothing. */
export interface ItemPlace {
  readonly index: number;
  readonly id: string;
}

interface Entry<State> {
  readonly state: State;
  readonly ids: Set<string>;
  /** Its beginning or its end was told: what begins under this index next is another item. */
  isAnnounced: boolean;
  isDone: boolean;
}

export class ItemTable<State> {
  readonly #create: () => State;
  readonly #byIndex = new Map<number, Entry<State>>();
  readonly #byId = new Map<string, Entry<State>>();

  constructor(create: () => State) {
    this.#create = create;
  }

  get isEmpty(): boolean {
    return this.#byIndex.size === 0;
  }

  /** The item of an event in its middle. */
  at(place: ItemPlace): State {
    return this.#entry(place).state;
  }

  /** The item that begins. */
  begin(place: ItemPlace): State {
    const present = this.#byIndex.get(place.index);
    const isPresent = present && (!present.isAnnounced || (place.id !== '' && present.ids.has(place.id)));
    const entry = isPresent ? present : this.#add(place.index);
    entry.isAnnounced = true;
    this.#name(entry, place.id);
    return entry.state;
  }

  /** The item that is complete; undefined when that was told before. */
  end(place: ItemPlace): State | undefined {
    let entry = this.#entry(place);
    const isOther = place.id !== '' && !entry.ids.has(place.id);
    if (entry.isDone && isOther) entry = this.#add(place.index);
    if (entry.isDone) return undefined;
    entry.isAnnounced = true;
    entry.isDone = true;
    this.#name(entry, place.id);
    return entry.state;
  }

  #entry({ index, id }: ItemPlace): Entry<State> {
    const present = this.#byIndex.get(index);
    if (present && (id === '' || present.ids.has(id))) return present;
    const named = this.#byId.get(id);
    if (named && !named.isDone) return named;
    return present ?? this.#add(index);
  }

  #add(index: number): Entry<State> {
    const entry = { state: this.#create(), ids: new Set<string>(), isAnnounced: false, isDone: false };
    this.#byIndex.set(index, entry);
    return entry;
  }

  #name(entry: Entry<State>, id: string): void {
    if (id === '') return;
    entry.ids.add(id);
    this.#byId.set(id, entry);
  }
}
