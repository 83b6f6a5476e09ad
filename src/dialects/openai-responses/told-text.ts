// How much of one item's text was told already. A server streams a section in pieces, tells it whole at its end, and
// tells all sections once more in the finished item. Sections are known by their order, not by their number: vLLM counts
// `content_index` up through the whole answer, or with each piece, while the finished item counts its own from 0.

export class ToldText {
  /** Characters of the whole item, and of the section that is being told. */
  #length = 0;
  #sectionLength = 0;
  readonly #closed = new Set<number>();

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** A section has ended, and nothing of another was told yet. */
  get isBetweenSections(): boolean {
    return this.#length > 0 && this.#sectionLength === 0;
  }

  add(text: string): void {
    this.#length += text.length;
    this.#sectionLength += text.length;
  }

  /** The next piece belongs to another section, though no event has said so. */
  beginSection(): void {
    this.#sectionLength = 0;
  }

  /** What is left to tell of a section whose end tells it whole. */
  restOfSection(number: number, whole: string): string {
    return this.#closed.has(number) ? '' : whole.slice(this.#sectionLength);
  }

  closeSection(number: number): void {
    this.#closed.add(number);
    this.#sectionLength = 0;
  }

  /** What is left to tell of each section of the finished item. */
  restOfItem(wholes: readonly string[]): string[] {
    let told = this.#length;
    return wholes.map((whole) => {
      const known = Math.min(told, whole.length);
      told -= known;
      return whole.slice(known);
    });
  }
}
