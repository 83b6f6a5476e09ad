// SQL whose plan does not depend on the values bound to it.
//
// SQLite compiles a statement anew whenever a value that could matter to its plan is bound: every `LIMIT ?`, many a
// range and many a join. That is ten times the work of running it. `+?` is the same value, and no plan looks into it.
// What is fastest for one value is so for all here: nobody runs ANALYZE, so the planner knows nothing of values anyway.

/** Texts, names and comments, which are left alone, or a parameter. */
const TOKEN = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|([?@$:]\w*)/g;

export function steadySql(source: string): string {
  return source.replace(TOKEN, (token, parameter: string | undefined) =>
    parameter === undefined ? token : `+${parameter}`,
  );
}
