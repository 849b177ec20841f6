// One board: stages as lanes in columns, steps as blocks, edges as curves.
import { bar, bytes, count, cut, el, fill, priceWords, seconds, shortSeconds, stateOf, sum, tile, unbroken } from './text.js';
import { baseText, causesText, runs, spoken, tally } from './plan.js';
import { columns, depths } from './layout.js';

const SVG = 'http://www.w3.org/2000/svg';
/** The least width of a column and the gap beside it, where there is room and where there is less. */
const WIDE = { column: 300, gap: 56 };
const NARROW = { column: 224, gap: 40 };
/** From so many edges on they run along common lines, else they would cover the ground. */
const CROWD = 24;

/**
 * @typedef {{model: import('./plan.js').Model, states: Map<number, string>, causes: Map<number, any[]>, asked: boolean}} View
 *   What a board shows: the states of the plan, or those of a question.
 */

/** The view of a plan as it is. @param {import('./plan.js').Model} model @returns {View} */
export function plainView(model) {
  const states = new Map();
  const causes = new Map();
  for (const step of model.steps) {
    if (step.state !== null) states.set(step.line, step.state);
    if (step.because.length > 0) causes.set(step.line, step.because);
  }
  return { model, states, causes, asked: false };
}

/** The causes of a step in words. @param {View} view @param {import('./plan.js').Step} step */
export function why(view, step) {
  const causes = view.causes.get(step.line) ?? [];
  if (causes.some((cause) => cause.asked)) return 'what you asked about';
  return causesText(step, causes, view.states, view.model.byLine);
}

/**
 * From a step to the root cause: lines, the step itself first; and the root, if it is no line.
 * @param {View} view @param {number} line
 * @returns {{lines: number[], root: any}}
 */
export function chainOf(view, line) {
  const step = view.model.byLine.get(line);
  if (!step || !runs(view.states.get(line))) return { lines: [], root: null };
  if (!view.asked && step.chain.length > 0) {
    const last = step.chain.at(-1)?.because ?? null;
    return { lines: step.chain.map((link) => link.line).concat(last?.line !== undefined ? [last.line] : []).filter(distinct), root: last };
  }
  const lines = [];
  let root = null;
  for (let at = line; lines.length <= view.model.steps.length; ) {
    lines.push(at);
    const causes = view.causes.get(at) ?? [];
    root = causes.find((c) => c.line === undefined) ?? causes.find((c) => c.line === at) ?? causes[0] ?? null;
    if (root?.line === undefined || lines.includes(root.line)) break;
    at = root.line;
    if (!runs(view.states.get(at))) {
      lines.push(at);
      break;
    }
  }
  return { lines, root };
}

/** @param {any} value @param {number} at @param {any[]} all */
function distinct(value, at, all) {
  return all.indexOf(value) === at;
}

/** The price of what runs: for certain, and at most. @param {View} view @param {'seconds' | 'bytes'} unit */
export function priceOf(view, unit) {
  const of = (/** @type {string[]} */ states) =>
    sum(view.model.steps.filter((s) => s.price && states.includes(view.states.get(s.line) ?? '')).map((s) => s.price[unit]));
  return { sure: of(['rebuilt']), most: of(['rebuilt', 'depends']) };
}

/** "about 48 s": the price in a few words, or nothing. @param {View} view */
export function priceText(view) {
  const { data } = view.model;
  // The price of the plan is that of what is rebuilt.
  if (!view.asked) return data.summary?.rebuilt === 0 ? '' : priceWords(data.price);
  const { sure, most } = priceOf(view, 'seconds');
  if (!most) return '';
  if (!sure || sure.value === most.value) return seconds(sure ?? most);
  return `${seconds(sure)}, at most ${seconds(most)}`;
}

/** The line of the layer below, if that it runs again is all there is to say. @param {View} view @param {import('./plan.js').Step} step */
function layerBelow(view, step) {
  const causes = view.causes.get(step.line) ?? [];
  const below = step.inputs.find((input) => input.by !== 'content' && input.line !== undefined)?.line;
  const alone = causes.length === 1 && below !== undefined && causes[0].line === below;
  return alone && view.model.byLine.get(below)?.stage === step.stage ? below : null;
}

export class Board {
  /**
   * @param {string} name what the board is called, for readers that see no picture
   * @param {{hover: (board: Board, line: number | null) => void, open: (board: Board, line: number) => void,
   *   fold: (board: Board, key: string) => void}} on
   */
  constructor(name, on) {
    this.on = on;
    this.title = el('h2', { class: 'board-title' });
    this.under = this.svg('edges under');
    this.over = this.svg('edges over');
    this.columns = el('div', { class: 'columns', role: 'list', 'aria-label': name });
    this.canvas = el('div', { class: 'canvas' }, this.under, this.columns, this.over);
    this.scroller = el('div', { class: 'scroller' }, this.canvas);
    this.element = el('section', { class: 'board', 'aria-label': name }, this.title, this.scroller);
    /** @type {View | null} */
    this.view = null;
    /** @type {Map<number, any>} */
    this.rows = new Map();
    /** @type {Map<number, any>} */
    this.heads = new Map();
    this.shape = '';
    this.places = '';
    this.width = 0;
    /** @type {import('./plan.js').Model | null} */
    this.model = null;
    /** @type {any[]} */
    this.stages = [];
    /** @type {{title: string, folded: Set<string>, shown: Set<string>, most: number}} */
    this.options = { title: '', folded: new Set(), shown: new Set(), most: 0 };
    this.lit = /** @type {number | null} */ (null);
    this.columns.addEventListener('pointerover', (/** @type {any} */ event) => this.point(event.target));
    this.columns.addEventListener('pointerleave', () => this.on.hover(this, null));
    this.columns.addEventListener('focusin', (/** @type {any} */ event) => this.point(event.target));
    this.columns.addEventListener('focusout', () => this.on.hover(this, null));
    this.columns.addEventListener('click', (/** @type {any} */ event) => {
      const row = event.target.closest('.step');
      if (row) this.on.open(this, Number(row.dataset.line));
      const head = event.target.closest('.fold');
      if (head) this.on.fold(this, head.dataset.key);
    });
  }

  /** @param {string} name */
  svg(name) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('class', name);
    svg.setAttribute('aria-hidden', 'true');
    return svg;
  }

  /** @param {Element} target */
  point(target) {
    const row = /** @type {any} */ (target.closest('.step'));
    this.on.hover(this, row ? Number(row.dataset.line) : null);
  }

  /**
   * Shows a view. What is there already stays the same elements, so that nothing loses its place.
   * @param {View} view
   * @param {{title: string, folded: Set<string>, shown: Set<string>, most: number}} options
   */
  show(view, options) {
    this.view = view;
    this.options = options;
    this.title.textContent = options.title;
    this.title.hidden = options.title === '';
    this.element.classList.toggle('asked', view.asked);
    const { model } = view;
    const priced = model.steps.some((step) => step.price?.seconds || step.price?.bytes);
    this.element.classList.toggle('priced', priced);
    const shape = JSON.stringify([model.stages.map((s) => [s.key, s.line]), model.steps.map((s) => [s.line, s.text])]);
    if (shape !== this.shape || model !== this.model) {
      if (shape !== this.shape) {
        // Before there is anything that would have to be laid out twice.
        if (this.width === 0) this.width = this.scroller.clientWidth;
        this.build(model);
      }
      this.shape = shape;
      this.model = model;
      this.places = '';
    }
    this.columns.dataset.digits = String(Math.min(6, String(model.steps.at(-1)?.line ?? 0).length));
    for (const step of model.steps) this.paint(step, view, options);
    for (const stage of model.stages) {
      this.join(stage, view);
      this.head(stage, view, options);
    }
    this.arrange();
  }

  /** @param {import('./plan.js').Model} model */
  build(model) {
    this.rows.clear();
    this.heads.clear();
    const stages = model.stages.map((stage) => {
      const head = this.heads.set(stage.index, this.makeHead(stage)).get(stage.index);
      const steps = el('ol', { class: 'steps', id: `steps-${this.id}-${stage.index}` });
      for (const step of stage.steps) {
        const row = this.makeRow(step);
        this.rows.set(step.line, row);
        steps.append(el('li', {}, row.button));
      }
      head.button.setAttribute('aria-controls', steps.id);
      head.steps = steps;
      head.element.append(steps);
      return head.element;
    });
    this.stages = stages;
    this.places = '';
  }

  get gap() {
    return this.element.classList.contains('narrow') ? NARROW.gap : WIDE.gap;
  }

  get id() {
    return this.element.dataset.board ?? '0';
  }

  /** @param {import('./plan.js').Stage} stage */
  makeHead(stage) {
    const base = el('span', { class: 'base' }, baseText(stage));
    const counts = el('span', { class: 'counts' });
    const strip = el('span', { class: 'strip', 'aria-hidden': 'true' });
    const button = el(
      'button',
      { class: 'fold item', type: 'button', tabindex: '-1', 'aria-expanded': 'true', data: { key: stage.key } },
      el('span', { class: 'title' }, el('span', { class: 'caret', 'aria-hidden': 'true' }), el('span', { class: 'name' }, cut(stage.name, 80)), base, counts),
      strip,
    );
    const heading = el('h3', {}, button);
    const element = el('div', { class: 'stage', role: 'listitem' }, heading);
    return { element, button, counts, strip, steps: null };
  }

  /** @param {import('./plan.js').Step} step */
  makeRow(step) {
    const sign = tile(null);
    const cause = el('span', { class: 'cause' });
    const price = el('span', { class: 'price' });
    const meter = bar('bar');
    const text = el('span', { class: 'text' }, el('b', {}, step.keyword), ...unbroken(cut(step.rest, 400)));
    const button = el(
      'button',
      { class: 'step item', type: 'button', tabindex: '-1', data: { line: step.line, key: step.key } },
      sign,
      el('span', { class: 'line' }, String(step.line)),
      text,
      el('span', { class: 'cost' }, price, meter),
      cause,
    );
    return { button, sign, cause, price, meter };
  }

  /** @param {import('./plan.js').Step} step @param {View} view @param {any} options */
  paint(step, view, options) {
    const row = this.rows.get(step.line);
    const state = view.states.get(step.line) ?? null;
    const reason = runs(state) ? why(view, step) : '';
    const missing = step.missing.length > 0 ? `${step.missing.join(', ')} is not in the context: this step will fail` : '';
    const shown = [reason, missing].filter(Boolean).join('; ');
    const figure = step.price?.seconds ?? null;
    const size = step.price?.bytes ?? null;
    const layer = missing === '' ? layerBelow(view, step) : null;
    const hidden = state !== null && !options.shown.has(state);
    // Most steps look as they did: nothing is touched that stays.
    const look = JSON.stringify([state, shown, layer, figure, size, options.most, hidden]);
    if (row.look === look) return;
    row.look = look;
    const before = row.state;
    if (before !== (state ?? 'none')) {
      row.button.classList.remove(before ?? 'x');
      row.button.classList.add(state ?? 'none');
      row.state = state ?? 'none';
      row.sign.textContent = stateOf(state).sign;
    }
    // That the layer below runs again is drawn, not written: the causes that matter stand out.
    row.button.title = layer === null ? '' : reason;
    row.cause.textContent = cut(shown, 160);
    row.cause.hidden = shown === '' || layer !== null;
    row.button.classList.toggle('fails', missing !== '');
    const text = shortSeconds(figure) || bytes(size);
    row.price.textContent = text;
    fill(row.meter, figure && options.most > 0 ? figure.value / options.most : 0);
    row.meter.classList.toggle('estimate', !!figure && !figure.measured);
    const whole = seconds(figure) || bytes(size);
    const cost = whole && `${whole.replace('~', 'about ')}${(figure ?? size)?.measured ? '' : ', an estimate'}`;
    row.button.setAttribute('aria-label', [spoken(step, state ?? undefined, shown), cost].filter(Boolean).join(', '));
    row.button.parentNode.hidden = hidden;
  }

  /** Joins the signs of steps that run again for no other reason than the layer below. @param {import('./plan.js').Stage} stage @param {View} view */
  join(stage, view) {
    /** The joint that runs upwards from the step below: to which line, and of which state. */
    let up = { to: Infinity, state: '' };
    for (const step of stage.steps.toReversed()) {
      const button = this.rows.get(step.line).button;
      const state = view.states.get(step.line) ?? '';
      const layer = runs(state) && step.missing.length === 0 ? layerBelow(view, step) : null;
      const passes = up.to < step.line;
      button.classList.toggle('through', passes);
      button.classList.toggle('joined-down', up.to === step.line);
      button.classList.toggle('joined-up', layer !== null);
      if (passes || up.to === step.line) button.dataset.joint = up.state;
      if (layer !== null) up = { to: layer, state };
      else if (up.to === step.line) up = { to: Infinity, state: '' };
    }
  }

  /** @param {import('./plan.js').Stage} stage @param {View} view @param {any} options */
  head(stage, view, options) {
    const head = this.heads.get(stage.index);
    const counts = tally(stage.steps, view.states);
    const folded = options.folded.has(stage.key);
    head.button.setAttribute('aria-expanded', String(!folded));
    head.steps.hidden = folded;
    head.element.classList.toggle('folded', folded);
    head.element.classList.toggle('apart', !stage.built);
    const found = /** @type {any} */ (counts);
    let words = count(stage.steps.length, 'step');
    if (!stage.built) words = 'not built';
    else if (view.states.size > 0) {
      words = shortly(found);
    }
    const price = !view.asked && found.rebuilt > 0 && stage.price?.seconds?.value >= 0.05 ? shortSeconds(stage.price.seconds) : '';
    if (price !== '') words += `, ${price}`;
    head.counts.textContent = words;
    head.counts.className = `counts ${found.rebuilt > 0 ? 'rebuilt' : found.depends > 0 ? 'depends' : ''}`;
    head.button.setAttribute('aria-label', [`Stage ${stage.name}`, baseText(stage), words].filter(Boolean).join(', '));
    head.strip.replaceChildren(...(folded ? cells(stage.steps, view.states) : []));
  }

  /** Looks how much room there is now. */
  measure() {
    const width = this.scroller.clientWidth;
    if (width > 0) this.width = width;
    this.arrange();
  }

  /** Puts the stages into columns and draws the edges. */
  arrange() {
    const view = this.view;
    if (!view || this.element.hidden) return;
    const width = this.width - 2 * 24;
    const fits = (/** @type {{column: number, gap: number}} */ { column, gap }) => Math.max(1, Math.floor((width + gap) / (column + gap)));
    const depth = depths(view.model);
    const deep = Math.max(...depth, 0) + 1;
    const narrow = fits(WIDE) < deep && fits(NARROW) >= deep;
    this.element.classList.toggle('narrow', narrow);
    // Two columns of many would hide more than they show: then all stand below one another.
    const room = narrow ? fits(NARROW) : fits(WIDE) < Math.min(deep, 3) ? 1 : fits(WIDE);
    const stages = view.model.stages;
    const heights = stages.map((stage) => {
      const visible = this.options.folded.has(stage.key) ? 0 : stage.steps.filter((s) => !this.rows.get(s.line).button.parentNode.hidden);
      return 64 + (visible === 0 ? 8 : visible.length * 30);
    });
    const split = columns(depth, heights, room, window.innerHeight * 0.8);
    const places = JSON.stringify(split);
    if (places !== this.places) {
      this.places = places;
      const active = /** @type {any} */ (document.activeElement);
      const kept = this.columns.contains(active) ? active : null;
      this.columns.replaceChildren(
        ...split.map((column) => el('div', { class: 'column', role: 'presentation' }, ...column.map((position) => this.stages[position]))),
      );
      kept?.focus({ preventScroll: true });
      this.element.classList.toggle('single', split.length === 1);
    }
    this.draw();
  }

  /** Draws the edges between what is visible. All is measured before anything is changed. */
  draw() {
    const view = this.view;
    if (!view) return;
    const box = this.canvas.getBoundingClientRect();
    const column = new Map();
    [...this.columns.children].forEach((child, n) => [...child.children].forEach((stage) => column.set(stage, n)));
    const anchors = new Map();
    const anchor = (/** @type {number} */ line) => {
      if (anchors.has(line)) return anchors.get(line);
      const step = view.model.byLine.get(line);
      const head = step && this.heads.get(step.stage);
      const row = this.rows.get(line)?.button;
      let found = null;
      if (head) {
        const target = head.steps.hidden || row.parentNode.hidden ? head.button : row;
        const card = head.element.getBoundingClientRect();
        const rect = target.getBoundingClientRect();
        const high = target === row ? Math.min(rect.height / 2, 17) : Math.min(rect.height / 2, 20);
        found = { left: card.left - box.left, right: card.right - box.left, y: rect.top - box.top + high, column: column.get(head.element) };
      }
      anchors.set(line, found);
      return found;
    };
    const crowd = view.model.crossings.length > CROWD;
    /** @type {Map<string, number>} */
    const trunks = new Map();
    const curve = (/** @type {number} */ from, /** @type {number} */ to) => {
      const a = anchor(from);
      const b = anchor(to);
      if (!a || !b || (a.y === b.y && a.column === b.column)) return '';
      if (a.column === b.column) {
        const key = `${a.left} ${a.y}`;
        if (!trunks.has(key)) trunks.set(key, trunks.size);
        const bend = Math.min(18, 8 + Math.abs(b.y - a.y) / 12) + 4 * ((trunks.get(key) ?? 0) % 3);
        return `M${r(a.left)} ${r(a.y)}C${r(a.left - bend)} ${r(a.y)} ${r(b.left - bend)} ${r(b.y)} ${r(b.left - 2)} ${r(b.y)}`;
      }
      const gap = b.left - a.right;
      if (crowd) {
        // Along a line of its own for each source, in the gap before the reader.
        const start = b.left - Math.min(gap, this.gap);
        const key = `${start} ${a.right} ${a.y}`;
        if (!trunks.has(key)) trunks.set(key, trunks.size);
        const x = start + Math.min(gap, this.gap) * (0.2 + 0.06 * ((trunks.get(key) ?? 0) % 8));
        const turn = Math.min(8, Math.abs(b.y - a.y) / 2) * Math.sign(b.y - a.y);
        return `M${r(a.right)} ${r(a.y)}H${r(x - Math.abs(turn))}q${r(Math.abs(turn))} 0 ${r(Math.abs(turn))} ${r(turn)}V${r(b.y - turn)}q0 ${r(turn)} ${r(Math.abs(turn))} ${r(turn)}H${r(b.left - 6)}`;
      }
      const bend = Math.max(24, Math.min(gap / 2, 120));
      return `M${r(a.right)} ${r(a.y)}C${r(a.right + bend)} ${r(a.y)} ${r(b.left - bend)} ${r(b.y)} ${r(b.left - 6)} ${r(b.y)}`;
    };
    const tip = (/** @type {number} */ to) => {
      const b = anchor(to);
      return b ? `M${r(b.left)} ${r(b.y)}l-7 -4v8z` : '';
    };
    /** @type {{d: string, tip: string, name: string}[]} */
    const paths = [];
    const drawn = new Set();
    for (const { from, to, by } of view.model.crossings) {
      const d = curve(from, to);
      if (d === '' || drawn.has(d)) continue;
      drawn.add(d);
      const moving = runs(view.states.get(from)) ? view.states.get(to) ?? '' : '';
      paths.push({ d, tip: tip(to), name: `edge ${by} ${runs(moving) ? moving : ''}` });
    }
    /** @type {{d: string, tip: string, name: string}[]} */
    const lit = [];
    if (this.lit !== null) {
      const { lines } = chainOf(view, this.lit);
      lines.slice(0, -1).forEach((line, n) => {
        const d = curve(lines[n + 1], line);
        if (d !== '') lit.push({ d, tip: tip(line), name: `edge lit ${view.states.get(line) ?? ''}` });
      });
    }
    const size = [this.columns.scrollWidth, this.columns.scrollHeight];
    for (const svg of [this.under, this.over]) {
      svg.setAttribute('width', String(size[0]));
      svg.setAttribute('height', String(size[1]));
    }
    // What changes lies above what does not.
    paths.sort((a, b) => a.name.length - b.name.length);
    this.under.replaceChildren(...paths.flatMap(path));
    this.over.replaceChildren(...lit.flatMap(path));
  }

  /**
   * Marks the chain from a step to its root cause.
   * @param {number | null} line
   */
  light(line) {
    if (line === this.lit) return;
    this.lit = line;
    const { lines } = line === null || !this.view ? { lines: [] } : chainOf(this.view, line);
    const chain = new Set(lines);
    for (const [at, row] of this.rows) {
      row.button.classList.toggle('lit', chain.has(at));
      row.button.classList.toggle('root', lines.length > 0 && at === lines.at(-1));
    }
    this.element.classList.toggle('tracing', lines.length > 1);
    this.draw();
  }

  /** Marks the steps that a change would reach. @param {Map<number, string> | null} states */
  reach(states) {
    for (const [line, row] of this.rows) row.button.classList.toggle('reached', runs(states?.get(line)));
  }

  /** @param {number | null} line */
  select(line) {
    for (const [at, row] of this.rows) {
      row.button.classList.toggle('selected', at === line);
      if (at === line) row.button.setAttribute('aria-current', 'true');
      else row.button.removeAttribute('aria-current');
    }
  }
}

/** What happens to a stage, in few words. @param {any} counts */
function shortly({ rebuilt, depends, all }) {
  if (all === 0) return '';
  if (rebuilt + depends === 0) return `all ${all} cached`;
  if (rebuilt === 0) return `${depends} of ${all} ${depends === 1 ? 'depends' : 'depend'}`;
  return `${rebuilt} of ${all} ${rebuilt === 1 ? 'rebuilds' : 'rebuild'}${depends > 0 ? `, ${depends} ${depends === 1 ? 'depends' : 'depend'}` : ''}`;
}

/** One cell per step. @param {import('./plan.js').Step[]} steps @param {Map<number, string>} states */
export function cells(steps, states) {
  return steps.map((step) => el('span', { class: `cell ${states.get(step.line) ?? 'none'}`, data: { line: step.line } }));
}

/** @param {{d: string, tip: string, name: string}} path */
function path({ d, tip, name }) {
  return [
    [d, name],
    [tip, `${name} tip`],
  ].map(([shape, names]) => {
    const element = document.createElementNS(SVG, 'path');
    element.setAttribute('d', shape);
    element.setAttribute('class', names);
    return element;
  });
}

/** @param {number} n */
function r(n) {
  return Math.round(n * 10) / 10;
}
