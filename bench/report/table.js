/** Rows of cells, for eyes (`text`) and for the docs (`markdown`); the first column is left-aligned, the others to the right. */

/** @param {readonly (readonly string[])[]} rows The first one is the head. */
export function text(rows) {
  const widths = widthsOf(rows);
  const lines = rows.map((row) => padded(row, widths).join('  '));
  return [lines[0], '-'.repeat(lines[0].length), ...lines.slice(1)].join('\n');
}

/** @param {readonly (readonly string[])[]} rows */
export function markdown(rows) {
  const widths = widthsOf(rows);
  const [head, ...body] = rows.map((row) => `| ${padded(row, widths).join(' | ')} |`);
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(Math.max(1, width - 1))}:`)).join(' | ')} |`;
  return [head, rule, ...body].join('\n');
}

function widthsOf(rows) {
  return rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
}

function padded(row, widths) {
  return row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])));
}
