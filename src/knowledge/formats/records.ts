// A row of a table as one readable line, which still says what its values mean when it is quoted alone.

/** `name: Anna; age: 5`, or `Anna | 5` where the columns have no names. Empty cells are left out. */
export function rowLine(cells: readonly string[], header: readonly string[] | undefined): string {
  const values = cells.map((cell) => cell.replace(/\s+/g, ' ').trim());
  if (!header) return values.some((value) => value !== '') ? values.join(' | ') : '';
  return values
    .flatMap((value, column) => {
      if (value === '') return [];
      const name = header[column];
      return [name ? `${name}: ${value}` : value];
    })
    .join('; ');
}

/** The first row, where it looks like names and not like values. */
export function headerOf(row: readonly string[]): readonly string[] | undefined {
  const names = row.map((cell) => cell.replace(/\s+/g, ' ').trim());
  const isNamed = names.length > 1 && names.every((name) => name.length <= 80 && !/^[\d\s.,:/%€$£+-]*\d/.test(name));
  const isFilled = names.filter((name) => name !== '').length >= names.length / 2;
  return isNamed && isFilled && new Set(names.filter((name) => name !== '')).size > 1 ? names : undefined;
}
