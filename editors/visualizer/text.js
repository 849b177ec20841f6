// Words, figures and elements.

/** @typedef {{value: number, measured: boolean} | null | undefined} Figure */

/** What a state is called and how it is signed, in the order of the legend. */
export const STATES = [
  { state: 'rebuilt', sign: '!', word: 'rebuilt', says: 'it will run again' },
  { state: 'depends', sign: '?', word: 'depends', says: 'it runs if something it reads comes out different' },
  { state: 'cached', sign: '=', word: 'cached', says: 'it will not run' },
  { state: 'metadata', sign: '·', word: 'metadata', says: 'it only changes the configuration of the image' },
  { state: 'not-built', sign: '–', word: 'not built', says: 'the target does not need it, or it makes no vertex' },
];

/** @param {string | null} state */
export function stateOf(state) {
  return STATES.find((s) => s.state === state) ?? { state: 'none', sign: '', word: '', says: '' };
}

/**
 * Text that can only be read: control characters, and those that turn the direction of writing around, get stand-ins.
 * @param {unknown} text
 */
export function clean(text) {
  return String(text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g, (c) => {
    const code = c.charCodeAt(0);
    if (c === '\n' || c === '\t') return ' ';
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
  });
}

/** At most `room` characters. @param {string} text @param {number} room */
export function cut(text, room) {
  return text.length <= room ? text : `${[...text.slice(0, room)].slice(0, -1).join('')}…`;
}

/** @param {number} n @param {string} one @param {string} [many] */
export function count(n, one, many = `${one}s`) {
  return `${String(n).replace(/\B(?=(\d{3})+$)/g, ',')} ${n === 1 ? one : many}`;
}

// Figures look as server/render/src/figures.rs makes them: an estimate has `~` before it and no more digits than it deserves.

/** Seconds as people say them. @param {Figure} figure */
export function seconds(figure) {
  if (!figure) return '';
  return figure.measured ? duration(figure.value) : `~${duration(oneDigit(figure.value))}`;
}

/** @param {number} value */
function duration(value) {
  if (value < 9.95) return `${value.toFixed(1).replace(/\.0$/, '')} s`;
  const whole = Math.round(value);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (h > 0) return m === 0 ? `${h} h` : `${h} h ${m} min`;
  if (m === 0) return `${s} s`;
  return s === 0 || m >= 10 ? `${m} min` : `${m} min ${s} s`;
}

/** One digit; two where the first is 1. Minutes are whole ones. @param {number} value */
function oneDigit(value) {
  if (value >= 90) return Math.round(value / 60) * 60;
  return rounded(value, /^0*[.]?0*1/.test(String(value)) ? 2 : 1);
}

/** @param {number} value @param {number} digits */
function rounded(value, digits) {
  return value <= 0 ? 0 : Number(value.toPrecision(digits));
}

/** Seconds where there is little room: minutes as a fraction. @param {Figure} figure */
export function shortSeconds(figure) {
  const text = seconds(figure);
  if (!figure || !/ min .* s$|h /.test(text)) return text;
  const mark = figure.measured ? '' : '~';
  return figure.value < 3570 ? `${mark}${(figure.value / 60).toFixed(1)} min` : `${mark}${(figure.value / 3600).toFixed(1)} h`;
}

/** Text in which short words and the names of options are not broken at their hyphens. @param {string} text @returns {(Node | string)[]} */
export function unbroken(text) {
  return text.split(/(\s+|(?<=\s--[a-z-]{1,30})(?==))/).map((word) => (word.length < 24 && word.includes('-') ? el('span', { class: 'word' }, word) : word));
}

/** Bytes as people say them, in decimal units. @param {Figure} figure */
export function bytes(figure) {
  if (!figure) return '';
  const mark = figure.measured ? '' : '~';
  let value = figure.measured ? Math.max(figure.value, 0) : rounded(figure.value, 2);
  if (value < 999.5) return `${mark}${Math.round(value)} B`;
  let unit = '';
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (value < 999.5 && unit !== '') break;
    value /= 1000;
    unit = next;
  }
  return `${mark}${(value < 9.95 ? value.toFixed(1) : String(Math.round(value))).replace(/\.0$/, '')} ${unit}`;
}

/** Both parts of a price that are known and not nothing. @param {{seconds?: Figure, bytes?: Figure} | null | undefined} price */
export function priceWords(price) {
  const time = price?.seconds && price.seconds.value >= 0.05 ? seconds(price.seconds) : '';
  const size = price?.bytes && price.bytes.value >= 1 ? bytes(price.bytes) : '';
  return [time, size].filter(Boolean).join(', ');
}

/** The sum of figures; measured only if all are, and null if there is none. @param {Figure[]} figures */
export function sum(figures) {
  const known = figures.filter((f) => f != null);
  if (known.length === 0) return null;
  return {
    value: known.reduce((total, f) => total + f.value, 0),
    measured: known.length === figures.length && known.every((f) => f.measured),
  };
}

/**
 * An element. Properties: `class`, `on` (listeners), `data`, anything else is an attribute; null and false leave it out.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'data') {
      for (const [key, field] of Object.entries(value)) element.dataset[key] = String(field);
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/**
 * A bar that grows from the end of its line. Its length is an attribute of a picture and no style, which the policy would
 * not take from a page that was saved.
 * @param {string} name
 */
export function bar(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', name);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'rect'));
  return svg;
}

/** @param {SVGElement} svg @param {number} part of the whole, from 0 to 1; what is not nothing can be seen */
export function fill(svg, part) {
  const percent = part > 0 ? Math.max(Math.min(part, 1) * 100, 4) : 0;
  svg.firstElementChild?.setAttribute('x', `${(100 - percent).toFixed(1)}%`);
  svg.firstElementChild?.setAttribute('width', `${percent.toFixed(1)}%`);
}

/** The tile with the sign of a state. @param {string | null} state */
export function tile(state) {
  return el('span', { class: 'sign', 'aria-hidden': 'true' }, stateOf(state).sign);
}
