// How the report looks. The colours of the bars are told apart with every kind of colour vision.

/** As many as a comparison has models at most. */
const BARS = ['#4477aa', '#cc6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#999933', '#888888'] as const;

export const STYLE = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c2126; --faint: #5a646e; --line: #d8dde2; --card: #f5f7f9; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #e6eaee; --faint: #9aa5b0; --line: #333b43; --card: #1c2228; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { max-width: 80rem; margin: 0 auto; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
h3, h4 { font-size: .95rem; margin: .75rem 0 .25rem; overflow-wrap: anywhere; } h3 { color: var(--faint); }
small, .facts, .note { color: var(--faint); font-size: .85rem; } small { display: block; font-weight: normal; }
.wide { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; } thead th { color: var(--faint); font-size: .85rem; font-weight: 600; }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
figure { margin: 0; padding: 1rem; background: var(--card); border-radius: .5rem; } figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 14px; dominant-baseline: central; }
svg .label { text-anchor: end; } .whisker { stroke: var(--ink); stroke-width: 2; } .mark { stroke: var(--faint); stroke-dasharray: 4 4; }
${BARS.map((colour, index) => `.m${index} { fill: ${colour}; }`).join(' ')}
details.prompt { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: 0 1rem; }
summary { cursor: pointer; padding: .6rem 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
details[open] > summary { border-bottom: 1px solid var(--line); }
.answers { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); margin: .75rem 0 1rem; }
article { background: var(--card); border-radius: .5rem; padding: .25rem 1rem 1rem; min-width: 0; }
.facts, .note { margin: .25rem 0; overflow-wrap: anywhere; } .failed { color: var(--bad); }
pre { margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; unicode-bidi: plaintext; }
@media print { body { max-width: none; } details.prompt { break-inside: avoid; } }
`;
