// What a mesh costs each node over its size, as a picture: a panel for each measure, both axes logarithmic.

import { COLUMNS, type Column, type Cost } from './cost-columns.ts';

const WIDTH = 340;
const HEIGHT = 220;
const MARGIN = 44;
const PANELS_A_ROW = 2;

export function costPicture(costs: readonly Cost[]): string {
  const drawn = COLUMNS.filter(({ isDrawn }) => isDrawn);
  const panels = drawn.map((column, index) => {
    const [x, y] = [(index % PANELS_A_ROW) * WIDTH, Math.floor(index / PANELS_A_ROW) * HEIGHT];
    return `<g transform="translate(${x} ${y})">\n${panel(column, costs)}\n</g>`;
  });
  const height = HEIGHT * Math.ceil(drawn.length / PANELS_A_ROW);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * PANELS_A_ROW} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${panels.join('\n')}
</svg>
`;
}

/** The dashed line is what growth as fast as the mesh would be. */
function panel({ name, title, digits }: Column, costs: readonly Cost[]): string {
  const sizes = costs.map(({ nodes }) => nodes);
  const values = costs.map((cost) => Math.max(cost[name], 0.01));
  const growth = Math.max(...sizes) / Math.min(...sizes);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const across = scale(Math.min(...sizes), Math.max(...sizes), WIDTH - 2 * MARGIN);
  const up = scale(low / 1.3, Math.max(high, low * growth) * 1.3, HEIGHT - 2 * MARGIN);
  const at = (size: number, value: number): readonly [number, number] => [
    round(MARGIN + across(size)),
    round(HEIGHT - MARGIN - up(value)),
  ];
  const points = costs.map(({ nodes }, index) => at(nodes, values[index] ?? low));
  const [first = low] = values;
  const linear = sizes.map((size) => at(size, (first * size) / (sizes[0] ?? 1))).filter(([, y]) => y >= MARGIN);
  const labels = points.map(([x, y], index) => {
    const size = `<text x="${x}" y="${HEIGHT - MARGIN + 16}" text-anchor="middle">${sizes[index]}</text>`;
    const value = `<text x="${x}" y="${round(y - 8)}" text-anchor="middle">${values[index]?.toFixed(digits)}</text>`;
    return `<circle cx="${x}" cy="${y}" r="3" fill="steelblue"/>${value}${size}`;
  });
  return `<text x="${MARGIN}" y="22" font-weight="bold">${title}, for each node</text>
<path d="M${MARGIN} ${MARGIN - 8}V${HEIGHT - MARGIN}H${WIDTH - MARGIN + 12}" fill="none" stroke="gray"/>
<text x="${WIDTH - MARGIN}" y="${HEIGHT - 8}" text-anchor="end" fill="gray">nodes</text>
<polyline points="${linear.join(' ')}" fill="none" stroke="silver" stroke-dasharray="4 4"/>
<polyline points="${points.join(' ')}" fill="none" stroke="steelblue" stroke-width="2"/>
${labels.join('\n')}`;
}

function scale(from: number, to: number, length: number): (value: number) => number {
  const width = Math.log(to / from) || 1;
  return (value) => (Math.log(value / from) / width) * length;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
