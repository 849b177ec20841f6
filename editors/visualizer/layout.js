// Which stage goes into which column.

/**
 * How far right each stage stands: right of all that it reads from.
 * @param {import('./plan.js').Model} model @returns {number[]} by position in `model.stages`
 */
export function depths(model) {
  const at = new Map(model.stages.map((stage, position) => [stage.index, position]));
  const found = model.stages.map(() => 0);
  // Stages read only from those above them, so one pass in file order is enough.
  const crossings = [...model.crossings].sort((a, b) => a.to - b.to);
  for (const { from, to } of crossings) {
    const source = at.get(model.byLine.get(from)?.stage ?? -2);
    const reader = at.get(model.byLine.get(to)?.stage ?? -2);
    if (source !== undefined && reader !== undefined) found[reader] = Math.max(found[reader], found[source] + 1);
  }
  return found;
}

/**
 * Columns of positions, left to right. Where there is room for more columns than depths, the tallest depth is spread over
 * several; where there is room for one only, all stages stand below one another.
 * @param {number[]} depth by position
 * @param {number[]} heights by position, in pixels
 * @param {number} room how many columns fit side by side
 * @param {number} tall the height from which spreading is worth it
 * @returns {number[][]}
 */
export function columns(depth, heights, room, tall) {
  if (room <= 1) return [depth.map((_, position) => position)];
  /** @type {{members: number[], parts: number}[]} */
  const groups = [];
  depth.forEach((d, position) => {
    while (groups.length <= d) groups.push({ members: [], parts: 1 });
    groups[d].members.push(position);
  });
  const height = (/** @type {number[]} */ members) => members.reduce((total, position) => total + heights[position], 0);
  for (let spare = room - groups.length; spare > 0; spare -= 1) {
    const share = (/** @type {{members: number[], parts: number}} */ g) => height(g.members) / g.parts;
    const open = groups.filter((g) => g.parts < g.members.length && share(g) > tall);
    if (open.length === 0) break;
    open.reduce((a, b) => (share(b) > share(a) ? b : a)).parts += 1;
  }
  return groups.flatMap(({ members, parts }) => {
    const total = height(members);
    /** @type {number[][]} */
    const split = Array.from({ length: parts }, () => []);
    let above = 0;
    for (const position of members) {
      // The column in which the middle of this stage falls.
      const column = Math.min(parts - 1, Math.floor(((above + heights[position] / 2) / Math.max(total, 1)) * parts));
      split[column].push(position);
      above += heights[position];
    }
    return split.filter((column) => column.length > 0);
  });
}
