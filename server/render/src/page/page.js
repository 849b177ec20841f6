// Words, figures and elements.

/** @typedef {{value: number, measured: boolean} | null | undefined} Figure */

/** What a state is called and how it is signed, in the order of the legend. */
const STATES = [
  { state: 'rebuilt', sign: '!', word: 'rebuilt', says: 'it will run again' },
  { state: 'depends', sign: '?', word: 'depends', says: 'it runs if something it reads comes out different' },
  { state: 'cached', sign: '=', word: 'cached', says: 'it will not run' },
  { state: 'metadata', sign: '·', word: 'metadata', says: 'it only changes the configuration of the image' },
  { state: 'not-built', sign: '–', word: 'not built', says: 'the target does not need it, or it makes no vertex' },
];

/** @param {string | null} state */
function stateOf(state) {
  return STATES.find((s) => s.state === state) ?? { state: 'none', sign: '', word: '', says: '' };
}

/**
 * Text that can only be read: control characters, and those that turn the direction of writing around, get stand-ins.
 * @param {unknown} text
 */
function clean(text) {
  return String(text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g, (c) => {
    const code = c.charCodeAt(0);
    if (c === '\n' || c === '\t') return ' ';
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
  });
}

/** At most `room` characters. @param {string} text @param {number} room */
function cut(text, room) {
  return text.length <= room ? text : `${[...text.slice(0, room)].slice(0, -1).join('')}…`;
}

/** @param {number} n @param {string} one @param {string} [many] */
function count(n, one, many = `${one}s`) {
  return `${String(n).replace(/\B(?=(\d{3})+$)/g, ',')} ${n === 1 ? one : many}`;
}

// Figures look as server/render/src/figures.rs makes them: an estimate has `~` before it and no more digits than it deserves.

/** Seconds as people say them. @param {Figure} figure */
function seconds(figure) {
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
function shortSeconds(figure) {
  const text = seconds(figure);
  if (!figure || !/ min .* s$|h /.test(text)) return text;
  const mark = figure.measured ? '' : '~';
  return figure.value < 3570 ? `${mark}${(figure.value / 60).toFixed(1)} min` : `${mark}${(figure.value / 3600).toFixed(1)} h`;
}

/** Text in which short words and the names of options are not broken at their hyphens. @param {string} text @returns {(Node | string)[]} */
function unbroken(text) {
  return text.split(/(\s+|(?<=\s--[a-z-]{1,30})(?==))/).map((word) => (word.length < 24 && word.includes('-') ? el('span', { class: 'word' }, word) : word));
}

/** Bytes as people say them, in decimal units. @param {Figure} figure */
function bytes(figure) {
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
function priceWords(price) {
  const time = price?.seconds && price.seconds.value >= 0.05 ? seconds(price.seconds) : '';
  const size = price?.bytes && price.bytes.value >= 1 ? bytes(price.bytes) : '';
  return [time, size].filter(Boolean).join(', ');
}

/** The sum of figures; measured only if all are, and null if there is none. @param {Figure[]} figures */
function sum(figures) {
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
function el(tag, properties = {}, ...children) {
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
function bar(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', name);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'rect'));
  return svg;
}

/** @param {SVGElement} svg @param {number} part of the whole, from 0 to 1; what is not nothing can be seen */
function fill(svg, part) {
  const percent = part > 0 ? Math.max(Math.min(part, 1) * 100, 4) : 0;
  svg.firstElementChild?.setAttribute('x', `${(100 - percent).toFixed(1)}%`);
  svg.firstElementChild?.setAttribute('width', `${percent.toFixed(1)}%`);
}

/** The tile with the sign of a state. @param {string | null} state */
function tile(state) {
  return el('span', { class: 'sign', 'aria-hidden': 'true' }, stateOf(state).sign);
}
// The plan as the page needs it: stages with their steps, what reads what, and causes in words.

/**
 * @typedef {{line?: number, context?: true | string, image?: string, remote?: string, by: string}} Input
 * @typedef {{line: number, endLine: number, stage: number, text: string, keyword: string, rest: string, kind: string,
 *   state: string | null, because: any[], chain: any[], missing: string[], price: any, files: any, inputs: Input[],
 *   result: Input[], sources: string[], triggers: any[], key: string}} Step
 * @typedef {{index: number, name: string, key: string, line: number, base: any, built: boolean, steps: Step[], price: any}} Stage
 */

/** Whether a value is a plan, or a build graph, that this page can show. @param {any} data */
function readable(data) {
  return !!data && typeof data === 'object' && data.version === 1 && Array.isArray(data.steps);
}

/**
 * @param {any} data
 */
function readPlan(data) {
  /** @type {Step[]} */
  const steps = data.steps.filter((/** @type {any} */ s) => s && Number.isFinite(s.line)).map(readStep);
  /** @type {Stage[]} */
  let stages = (Array.isArray(data.stages) ? data.stages : []).map((/** @type {any} */ s, /** @type {number} */ index) => ({
    index,
    name: clean(s.name ?? `stage-${index}`),
    key: '',
    line: Number(s.line),
    base: s.base ?? {},
    built: s.built !== false,
    price: s.price ?? null,
    steps: /** @type {Step[]} */ ([]),
  }));
  if (stages.length === 0) stages = stagesOfSteps(data.steps);
  /** @type {Stage} */
  const outside = { index: -1, name: 'before the first FROM', key: '', line: 0, base: {}, built: true, price: null, steps: [] };
  let at = -1;
  for (const step of steps) {
    while (at + 1 < stages.length && stages[at + 1].line <= step.line) at += 1;
    step.stage = at;
    (at < 0 ? outside : stages[at]).steps.push(step);
  }
  if (outside.steps.length > 0) stages = [outside, ...stages];
  // Keys that outlast a new plan: lines move, names and texts mostly stay.
  const seen = new Map();
  const unique = (/** @type {string} */ key) => {
    const n = seen.get(key) ?? 0;
    seen.set(key, n + 1);
    return `${key}\n${n}`;
  };
  for (const stage of stages) {
    stage.key = unique(stage.name);
    for (const step of stage.steps) step.key = unique(`${stage.key}\n${step.text}`);
  }
  const byLine = new Map(steps.map((step) => [step.line, step]));
  const graph = steps.every((step) => step.state === null);
  return { data, steps, stages, byLine, graph, crossings: crossingsOf(steps, stages), readers: readersOf(steps) };
}

/** @typedef {ReturnType<typeof readPlan>} Model */

/** @param {any} s @returns {Step} */
function readStep(s) {
  const text = clean(s.instruction);
  const keyword = text.match(/^\S+/)?.[0] ?? '';
  return {
    line: s.line,
    endLine: s.end_line ?? s.line,
    stage: -1,
    text,
    keyword,
    rest: text.slice(keyword.length),
    kind: s.kind ?? keyword.toLowerCase(),
    state: s.state ?? null,
    because: list(s.because),
    chain: list(s.chain),
    missing: list(s.missing),
    price: s.price ?? null,
    files: s.files ?? null,
    inputs: list(s.inputs),
    result: list(s.result),
    sources: list(s.sources),
    triggers: list(s.triggers),
    key: '',
  };
}

/** @param {any} value @returns {any[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** Stages of a plan that lists none. @param {any[]} steps @returns {Stage[]} */
function stagesOfSteps(steps) {
  const stages = [];
  for (const step of steps) {
    if (!/^from\s/i.test(String(step.instruction))) continue;
    const base = clean(String(step.instruction).split(/\s+/)[1]);
    stages.push({ index: stages.length, name: clean(step.stage ?? `stage-${stages.length}`), key: '', line: step.line, base: { image: base }, built: true, price: null, steps: [] });
  }
  return stages;
}

/**
 * The edges from stage to stage: from the line that is read to the line that reads. A stage that stands on another has
 * one, from the last step there to its FROM.
 * @param {Step[]} steps @param {Stage[]} stages
 * @returns {{from: number, to: number, by: string}[]}
 */
function crossingsOf(steps, stages) {
  const byLine = new Map(steps.map((step) => [step.line, step]));
  const found = [];
  for (const stage of stages) {
    if (stage.base.stage === undefined) continue;
    const bases = stages.filter((s) => s.index >= 0 && s.index < stage.index);
    const base = stages.find((s) => s.index === stage.base.index) ?? bases.findLast((s) => s.name === stage.base.stage);
    const last = base?.steps.at(-1);
    if (last) found.push({ from: last.line, to: stage.line, by: 'key' });
  }
  for (const step of steps) {
    for (const input of step.inputs) {
      const source = input.line === undefined ? undefined : byLine.get(input.line);
      if (source && input.by === 'content' && source.stage !== step.stage) {
        found.push({ from: source.line, to: step.line, by: 'content' });
      }
    }
  }
  return found;
}

/** Which steps read each line. @param {Step[]} steps @returns {Map<number, Step[]>} */
function readersOf(steps) {
  const readers = new Map();
  for (const step of steps) {
    for (const input of [...step.inputs, ...step.result]) {
      if (input.line === undefined) continue;
      if (!readers.has(input.line)) readers.set(input.line, []);
      if (!readers.get(input.line).includes(step)) readers.get(input.line).push(step);
    }
  }
  return readers;
}

/** Whether a step runs, or may. @param {string | null | undefined} state */
function runs(state) {
  return state === 'rebuilt' || state === 'depends';
}

/**
 * A cause in words; the words of `layerwise plan`.
 * @param {any} cause @param {Step} step @param {Map<number, string>} states @param {Map<number, Step>} byLine
 */
function causeText(cause, step, states, byLine) {
  const state = states.get(step.line);
  if (cause.line !== undefined) {
    if (cause.line === step.line) return 'this instruction was edited';
    const source = byLine?.get(cause.line);
    if (state === 'depends' && source?.stage === step.stage && states.get(cause.line) === 'depends') return `if line ${cause.line} runs again`;
    if (state === 'depends') return `if the step at line ${cause.line} comes out different`;
    return runs(states.get(cause.line)) ? `line ${cause.line} runs again` : `line ${cause.line} changes it`;
  }
  if (cause.file !== undefined) return `${clean(cause.file)} changes`;
  if (cause.build_arg !== undefined) return `build argument ${clean(cause.build_arg)} changes`;
  if (cause.image !== undefined) {
    return state === 'depends' ? `if ${clean(cause.image)} is another image` : `another base image: ${clean(cause.image)}`;
  }
  if (cause.remote !== undefined) return `if ${clean(cause.remote)} serves something else`;
  if (cause.target !== undefined) return `only target ${clean(cause.target)} builds it`;
  if (cause.not_in_cache) return 'its result is not in the cache';
  return 'unknown';
}

/** All causes of a step in one line. @param {Step} step @param {any[]} causes @param {Map<number, string>} states @param {Map<number, Step>} byLine */
function causesText(step, causes, states, byLine) {
  const words = causes.slice(0, 2).map((cause) => causeText(cause, step, states, byLine));
  if (causes.length > 2) words.push(`${causes.length - 2} more`);
  return words.join('; ');
}

/** What a stage starts from, in words. @param {Stage} stage */
function baseText(stage) {
  const base = stage.base;
  if (base.stage !== undefined) return `from stage ${clean(base.stage)}`;
  if (base.scratch) return 'from scratch';
  if (base.context !== undefined) return `from context ${clean(base.context)}`;
  return base.image === undefined ? '' : `from ${clean(base.image)}`;
}

/**
 * How many steps are in each state. Steps are those that make a vertex.
 * @param {Step[]} steps @param {Map<number, string>} states
 */
function tally(steps, states) {
  /** @type {Record<string, number>} */
  const found = { cached: 0, rebuilt: 0, depends: 0, metadata: 0, 'not-built': 0 };
  for (const step of steps) {
    const state = states.get(step.line);
    if (state !== undefined) found[state] = (found[state] ?? 0) + 1;
  }
  return { ...found, all: found.cached + found.rebuilt + found.depends };
}

/** "2 of 9 steps rebuild, 1 depends": the words of `layerwise plan`. @param {ReturnType<typeof tally>} counts */
function headline(counts) {
  const { rebuilt, depends, all } = /** @type {any} */ (counts);
  const first = rebuilt === 0 ? `none of ${all} steps rebuilds` : `${rebuilt} of ${all} steps ${rebuilt === 1 ? 'rebuilds' : 'rebuild'}`;
  return depends === 0 ? first : `${first}, ${depends} ${depends === 1 ? 'depends' : 'depend'}`;
}

/** What a reader that sees no picture is told of a step. @param {Step} step @param {string | undefined} state @param {string} why */
function spoken(step, state, why) {
  const word = stateOf(state ?? null).word;
  return [`Line ${step.line}: ${step.text.slice(0, 240)}`, word, why && `because ${why}`].filter(Boolean).join(', ');
}
// "What if this changes?": which steps a file, a pattern or a build argument touches, and what follows from it.

/**
 * A pattern as a regular expression over whole paths: `*` and `?` stay inside a directory, `**` does not.
 * @param {string} pattern
 * @returns {RegExp | null} null for what is no pattern
 */
function glob(pattern) {
  let out = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const c = pattern[at];
    if (c === '*' && pattern[at + 1] === '*') {
      at += 1;
      if (pattern[at + 1] === '/') {
        at += 1;
        out += '(?:.*/)?';
      } else {
        out += '.*';
      }
    } else if (c === '*') out += '[^/]*';
    else if (c === '?') out += '[^/]';
    else if (c === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) return null;
      out += `[${pattern.slice(at + 1, end).replace(/\\/g, '\\\\').replace(/\[/g, '\\[')}]`;
      at = end;
    } else if (c === '\\' && at + 1 < pattern.length) {
      at += 1;
      out += escapeRegExp(pattern[at]);
    } else out += escapeRegExp(c);
  }
  try {
    return new RegExp(`^${out}$`, 'u');
  } catch {
    return null;
  }
}

/** @param {string} text */
function escapeRegExp(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** A path relative to the context, without `.` and `..`. @param {string} path */
function cleanPath(path) {
  /** @type {string[]} */
  const parts = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/**
 * Whether the ignore file leaves a path out: the last pattern that matches it or a directory above it wins, asked on the
 * way down from the root, as BuildKit walks.
 * @param {string[]} patterns @param {string} path
 */
function ignored(patterns, path) {
  const rules = patterns.map((text) => ({ negated: text.startsWith('!'), test: glob(text.replace(/^!/, '')) }));
  const parts = path.split('/');
  let out = false;
  for (const { negated, test } of rules) {
    if (negated !== out || !test) continue;
    if (parts.some((_, n) => test.test(parts.slice(0, n + 1).join('/')))) out = !negated;
  }
  return out;
}

/** Whether a changed path can change what a source selects: itself, or something below it. @param {string} source @param {string} path */
function selects(source, path) {
  const wanted = cleanPath(source.replace('/./', '/')).split('/');
  if (wanted[0] === '') return true;
  const parts = path.split('/');
  return wanted.length <= parts.length && wanted.every((part, n) => part === parts[n] || (glob(part)?.test(parts[n]) ?? false));
}

/**
 * @typedef {{lines: Set<number>, maybe?: Set<number>, triggers: Set<number>, what: string, note: string}} Question
 *   What is asked: the lines that it touches by themselves, those that it may touch, the FROM lines whose ONBUILD triggers
 *   read it, and what it was taken for.
 */

/**
 * What a question names.
 * @param {import('./plan.js').Model} model @param {string} text
 * @returns {Question | null} null if the question is empty
 */
function asked(model, text) {
  const question = text.trim();
  if (question === '') return null;
  const data = model.data;
  const name = question.replace(/=.*$/, '').replace(/^--build-arg\s+/, '');
  const argument = (data.build_args ?? []).find((/** @type {any} */ a) => a.name === name);
  if (argument && !(data.files ?? []).some((/** @type {any} */ f) => f.path === question)) {
    const note = argument.lines.length === 0 ? 'no step has it in its key' : '';
    // Another name of an image may be one for the same layers, which alone are in the keys of what stands on it.
    const bases = new Set(model.steps.filter((step) => step.kind === 'from').map((step) => step.line));
    const maybe = new Set(argument.lines.filter((/** @type {number} */ line) => bases.has(line)));
    const lines = new Set(argument.lines.filter((/** @type {number} */ line) => !bases.has(line)));
    return { lines, maybe, triggers: new Set(), what: `build argument ${clean(name)}`, note };
  }
  /** @type {any[]} */
  const files = data.files ?? [];
  const path = cleanPath(question);
  const lines = new Set();
  const reading = model.steps.filter((step) => step.sources.length > 0);
  const readers = reading.filter((step) => step.kind !== 'from' && step.state !== 'not-built');
  const reads = (/** @type {import('./plan.js').Step} */ step, /** @type {string} */ file) => step.sources.some((source) => selects(source, file));
  /** The FROM lines whose triggers read one of these. @param {string[]} paths */
  const triggers = (...paths) => new Set(reading.filter((step) => step.kind === 'from' && paths.some((file) => reads(step, file))).map((step) => step.line));
  const known = files.find((file) => file.path === path);
  if (known) {
    for (const line of known.lines ?? []) lines.add(line);
    return { lines, triggers: triggers(path), what: clean(path), note: '' };
  }
  const ignore = data.ignore ?? [];
  if (!/[*?[]/.test(question)) {
    if (ignored(ignore, path)) return { lines, triggers: new Set(), what: clean(path), note: 'the ignore file leaves it out' };
    const below = files.filter((file) => file.path.startsWith(`${path}/`));
    for (const file of below) for (const line of file.lines ?? []) lines.add(line);
    for (const step of readers) if (reads(step, path)) lines.add(step.line);
    const note = below.length > 0 ? 'something in this folder' : files.length > 0 && lines.size > 0 ? 'a file that is not in the list' : '';
    return { lines, triggers: triggers(path, ...below.map((file) => file.path)), what: clean(path), note };
  }
  // As people write them: a pattern without a slash means files at any depth.
  const pattern = glob(question.includes('/') ? question.replace(/^\.?\//, '') : `**/${question}`);
  if (!pattern) return { lines, triggers: new Set(), what: clean(question), note: 'not a pattern' };
  const matched = files.filter((file) => pattern.test(file.path));
  for (const file of matched) for (const line of file.lines ?? []) lines.add(line);
  let note = matched.length === 1 ? '1 file' : `${matched.length} files`;
  if (files.length === 0 || files.length >= 200) {
    // The list does not have all files: a folder that is copied may hold some.
    for (const step of readers) {
      for (const source of step.sources) {
        const exact = cleanPath(source);
        const folder = exact === '' || !/\.[^/]*$/.test(exact) || /[*?[]/.test(exact);
        if (folder || pattern.test(exact)) lines.add(step.line);
      }
    }
    note = files.length === 0 ? '' : `${note} of those listed, and folders that may hold more`;
  }
  return { lines, triggers: triggers(...matched.map((file) => file.path)), what: clean(question), note };
}

/**
 * What runs when these lines have another key, everything else being built: a step above a layer that runs does too, one
 * that reads its files depends on them.
 * @param {import('./plan.js').Model} model @param {{lines: Set<number>, maybe?: Set<number>, triggers: Set<number>}} question
 * @returns {{states: Map<number, string>, causes: Map<number, any[]>}}
 */
function propagate(model, { lines, maybe, triggers }) {
  const states = new Map();
  const causes = new Map();
  /** What stands behind each line: its step, and what that is merged with. */
  const results = new Map();
  for (const step of model.steps) {
    const quiet = !runs(step.state) && step.state !== 'cached' && step.state !== null;
    let state = quiet ? 'cached' : lines.has(step.line) ? 'rebuilt' : maybe?.has(step.line) ? 'depends' : 'cached';
    /** @type {any[]} */
    let because = [];
    for (const input of step.inputs) {
      const found = input.line === undefined ? 'cached' : results.get(input.line) ?? 'cached';
      if (found === 'cached' || quiet) continue;
      const next = found === 'rebuilt' && input.by !== 'content' ? 'rebuilt' : 'depends';
      if (next === 'rebuilt' && state === 'depends') because = [];
      if (state !== 'rebuilt') state = next;
      if (next === state) because.push({ line: input.line });
    }
    if (!quiet && (lines.has(step.line) || maybe?.has(step.line))) because = [{ asked: true }];
    let result = state;
    for (const input of step.result) {
      let found = input.line === undefined ? 'cached' : results.get(input.line) ?? 'cached';
      if (input.context === true && triggers.has(step.line)) found = 'rebuilt';
      if (found === 'rebuilt' && input.line !== undefined && input.by === 'content') found = 'depends';
      if (found === 'rebuilt' || result === 'cached') result = found;
    }
    results.set(step.line, result);
    const shown = quiet || (step.state === null && !makesVertex(step)) ? step.state ?? quietState(step) : state;
    states.set(step.line, shown);
    if (because.length > 0 && runs(state)) causes.set(step.line, because);
  }
  return { states, causes };
}

/** @param {import('./plan.js').Step} step */
function makesVertex(step) {
  return step.inputs.length > 0 || ['from', 'run', 'copy', 'add', 'workdir'].includes(step.kind);
}

/** @param {import('./plan.js').Step} step */
function quietState(step) {
  return ['from', 'run', 'copy', 'add', 'workdir'].includes(step.kind) ? 'not-built' : 'metadata';
}
// Which stage goes into which column.

/**
 * How far right each stage stands: right of all that it reads from.
 * @param {import('./plan.js').Model} model @returns {number[]} by position in `model.stages`
 */
function depths(model) {
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
function columns(depth, heights, room, tall) {
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
// One board: stages as lanes in columns, steps as blocks, edges as curves.

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
function plainView(model) {
  const states = new Map();
  const causes = new Map();
  for (const step of model.steps) {
    if (step.state !== null) states.set(step.line, step.state);
    if (step.because.length > 0) causes.set(step.line, step.because);
  }
  return { model, states, causes, asked: false };
}

/** The causes of a step in words. @param {View} view @param {import('./plan.js').Step} step */
function why(view, step) {
  const causes = view.causes.get(step.line) ?? [];
  if (causes.some((cause) => cause.asked)) return 'what you asked about';
  return causesText(step, causes, view.states, view.model.byLine);
}

/**
 * From a step to the root cause: lines, the step itself first; and the root, if it is no line.
 * @param {View} view @param {number} line
 * @returns {{lines: number[], root: any}}
 */
function chainOf(view, line) {
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
function priceOf(view, unit) {
  const of = (/** @type {string[]} */ states) =>
    sum(view.model.steps.filter((s) => s.price && states.includes(view.states.get(s.line) ?? '')).map((s) => s.price[unit]));
  return { sure: of(['rebuilt']), most: of(['rebuilt', 'depends']) };
}

/** "about 48 s": the price in a few words, or nothing. @param {View} view */
function priceText(view) {
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

class Board {
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
function cells(steps, states) {
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
// What is known of one step.

/**
 * @param {import('./lanes.js').View} view @param {import('./plan.js').Step} step
 * @param {{go: (line: number) => void, close: () => void, ask: (text: string) => void}} on
 */
function details(view, step, on) {
  const state = view.states.get(step.line) ?? null;
  const { word, says } = stateOf(state);
  const stage = view.model.stages.find((s) => s.index === step.stage);
  const lines = step.endLine > step.line ? `lines ${step.line}–${step.endLine}` : `line ${step.line}`;
  const parts = [
    el(
      'header',
      {},
      el('h2', { id: 'details-title', class: state ?? 'none' }, state === null ? '' : tile(state), `${lines[0].toUpperCase()}${lines.slice(1)}`),
      el('span', { class: 'where' }, stage && stage.index >= 0 ? `in ${stage.name}` : ''),
      el('button', { class: 'close', type: 'button', 'aria-label': 'Close the details', on: { click: on.close } }, '✕'),
    ),
    el('pre', { tabindex: '0', 'aria-label': 'The instruction' }, el('b', {}, step.keyword), step.rest),
  ];
  if (state !== null) parts.push(el('p', { class: `verdict ${state}` }, el('strong', {}, word), `: ${says}.`));
  const causes = view.causes.get(step.line) ?? [];
  if (runs(state) && causes.length > 0) {
    parts.push(section('Why', el('ul', { class: 'why' }, ...causes.map((cause) => el('li', {}, causeLink(cause, step, view, on))))));
    const chain = chainOf(view, step.line);
    if (chain.lines.length > 1) {
      const items = chain.lines.map((line) => {
        const link = view.model.byLine.get(line);
        return el('li', {}, go(line, `${line}  ${link ? `${link.keyword}${link.rest}` : ''}`, on));
      });
      const root = chain.root;
      if (root && root.line === undefined) items.push(el('li', {}, causeLink(root, step, view, on)));
      parts.push(section('Down to the root', el('ol', { class: 'chain' }, ...items)));
    }
  }
  if (step.missing.length > 0) {
    parts.push(el('p', { class: 'verdict rebuilt' }, el('strong', {}, 'It will fail'), `: ${step.missing.map(clean).join(', ')} is not in the build context.`));
  }
  const facts = [];
  const price = step.price ?? {};
  if (price.seconds) facts.push(['Time', `${seconds(price.seconds)}, ${price.seconds.measured ? 'measured' : 'an estimate'}`]);
  if (price.bytes) facts.push(['Size', `${bytes(price.bytes)}, ${price.bytes.measured ? 'measured' : 'an estimate'}`]);
  if (step.files) {
    const out = step.files.ignored ? `, ${count(step.files.ignored, 'file')} ignored` : '';
    facts.push(['Files', `${count(step.files.count, 'file')}, ${bytes({ value: step.files.bytes ?? 0, measured: true })}${out}`]);
  }
  if (facts.length > 0) parts.push(el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
  const reads = step.inputs.concat(step.result.map((input) => ({ ...input, merged: true })));
  if (reads.length > 0) {
    parts.push(section('Reads', el('ul', { class: 'reads' }, ...reads.map((input) => el('li', {}, inputText(input, step, view, on))))));
  }
  const readers = view.model.readers.get(step.line) ?? [];
  if (readers.length > 0) {
    const items = readers.slice(0, 40).map((reader) => el('li', {}, go(reader.line, `${reader.line}  ${reader.keyword}${reader.rest}`, on)));
    if (readers.length > 40) items.push(el('li', {}, `${readers.length - 40} more`));
    parts.push(section('Read by', el('ul', { class: 'reads' }, ...items)));
  }
  if (step.triggers.length > 0) {
    const items = step.triggers.map((t) => el('li', {}, el('span', { class: `mark ${t.state}` }, stateOf(t.state).word), ` when ${clean(t.stage)} starts at `, go(t.line, `line ${t.line}`, on)));
    parts.push(section('Triggered', el('ul', { class: 'reads' }, ...items)));
  }
  return parts;
}

/** @param {string} title @param {Node} body */
function section(title, body) {
  return el('div', { class: 'part' }, el('h3', {}, title), body);
}

/** A button that leads to a line. @param {number} line @param {string} text @param {any} on */
function go(line, text, on) {
  return el('button', { class: 'go', type: 'button', data: { go: line }, on: { click: () => on.go(line) } }, text);
}

/** @param {any} cause @param {any} step @param {any} view @param {any} on */
function causeLink(cause, step, view, on) {
  if (cause.asked) return 'it is what you asked about';
  const text = causeText(cause, step, view.states, view.model.byLine);
  if (cause.line !== undefined && cause.line !== step.line) return go(cause.line, text, on);
  const question = cause.file ?? cause.build_arg;
  if (question === undefined) return text;
  return el('button', { class: 'go', type: 'button', title: 'What else does it rebuild?', on: { click: () => on.ask(String(question)) } }, text);
}

/** @param {any} input @param {any} step @param {any} view @param {any} on */
function inputText(input, step, view, on) {
  const how = input.by === 'content' ? 'by content' : input.merged ? 'merged below it' : 'by its key';
  const note = el('span', { class: 'how' }, how);
  if (input.line !== undefined) {
    const source = view.model.byLine.get(input.line);
    const text = source ? `${source.line}  ${source.keyword}${source.rest}` : `line ${input.line}`;
    return el('span', {}, go(input.line, text, on), ' ', note);
  }
  if (input.context === true) {
    return el('span', {}, `build context: ${step.sources.map(clean).join(', ') || '.'}`, ' ', note);
  }
  const what = input.context !== undefined ? `context ${clean(input.context)}` : clean(input.image ?? input.remote ?? '');
  return el('span', {}, what, ' ', note);
}
// The files of the build context, and how much each would rebuild.

const COLUMNS = [
  { key: 'path', name: 'File', sort: (/** @type {any} */ a, /** @type {any} */ b) => (a.path < b.path ? -1 : 1) },
  { key: 'rebuilds', name: 'Steps', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.rebuilds ?? 0) - (a.rebuilds ?? 0) },
  { key: 'seconds', name: 'Time', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.seconds?.value ?? 0) - (a.seconds?.value ?? 0) },
  { key: 'bytes', name: 'Size', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.bytes ?? 0) - (a.bytes ?? 0) },
];

class Files {
  /** @param {{reach: (file: any) => void, ask: (path: string) => void}} on */
  constructor(on) {
    this.on = on;
    this.sorted = '';
    this.filter = el('input', { type: 'search', id: 'filter', placeholder: 'Filter', 'aria-label': 'Filter the files', spellcheck: 'false', autocomplete: 'off' });
    this.filter.addEventListener('input', () => this.render());
    this.count = el('span', { class: 'count', role: 'status' });
    this.head = el('tr');
    this.body = el('tbody');
    this.element = el(
      'section',
      { class: 'files', 'aria-labelledby': 'files-title' },
      el('header', {}, el('h2', { id: 'files-title' }, 'Files of the context'), this.count, this.filter),
      el('table', {}, el('thead', {}, this.head), this.body),
    );
    const row = (/** @type {any} */ event) => event.target.closest('tbody tr');
    const at = (/** @type {any} */ event) => this.files[Number(row(event)?.dataset.at)] ?? null;
    this.body.addEventListener('pointerover', (/** @type {any} */ event) => this.on.reach(at(event)));
    this.body.addEventListener('pointerleave', () => this.on.reach(null));
    this.body.addEventListener('focusin', (/** @type {any} */ event) => this.on.reach(at(event)));
    this.body.addEventListener('focusout', () => this.on.reach(null));
    this.body.addEventListener('click', (/** @type {any} */ event) => {
      const file = at(event);
      if (file) this.on.ask(file.path);
    });
    /** @type {any[]} */
    this.files = [];
    this.asked = '';
  }

  /** @param {any} data */
  show(data) {
    this.files = (data.files ?? []).filter((/** @type {any} */ f) => typeof f?.path === 'string');
    this.timed = this.files.some((file) => file.seconds);
    this.element.hidden = this.files.length === 0;
    this.render();
  }

  /** Marks the file that the question names. @param {string} path */
  mark(path) {
    this.asked = path;
    for (const row of this.body.children) row.classList.toggle('asked', this.files[Number(row.dataset.at)]?.path === path);
  }

  /** Marks the file that is the root cause. @param {string | null} path */
  light(path) {
    for (const row of this.body.children) row.classList.toggle('lit', path !== null && this.files[Number(row.dataset.at)]?.path === path);
  }

  /** @param {string} key */
  sort(key) {
    this.sorted = key;
    this.render();
    this.head.querySelector(`[data-key="${key}"]`)?.focus({ preventScroll: true });
  }

  render() {
    const columns = COLUMNS.filter((column) => column.key !== 'seconds' || this.timed);
    const sorted = this.sorted || (this.timed ? 'seconds' : 'rebuilds');
    this.head.replaceChildren(
      ...columns.map((column) => {
        const down = column.key === 'path' ? 'ascending' : 'descending';
        const button = el('button', { type: 'button', data: { key: column.key }, on: { click: () => this.sort(column.key) } }, column.name);
        return el('th', { scope: 'col', class: column.key, 'aria-sort': sorted === column.key ? down : null }, button);
      }),
    );
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = this.files.map((file, at) => ({ file, at })).filter(({ file }) => words.every((/** @type {string} */ word) => file.path.toLowerCase().includes(word)));
    const order = COLUMNS.find((column) => column.key === sorted);
    shown.sort((a, b) => order?.sort(a.file, b.file) || (a.file.path < b.file.path ? -1 : 1));
    const most = Math.max(1, ...this.files.map((file) => file.rebuilds ?? 0));
    this.count.textContent = words.length > 0 ? `${shown.length} of ${this.files.length}` : count(this.files.length, 'file');
    this.body.replaceChildren(...shown.map(({ file, at }) => this.row(file, at, most)));
    this.mark(this.asked);
  }

  /** @param {any} file @param {number} at @param {number} most */
  row(file, at, most) {
    const path = clean(file.path);
    const slash = path.lastIndexOf('/') + 1;
    const name = el('button', { type: 'button', class: 'path', title: path }, slash > 0 && el('span', { class: 'dir' }, el('bdi', {}, path.slice(0, slash))), el('span', { class: 'name' }, path.slice(slash)));
    const meter = bar('meter');
    fill(meter, (file.rebuilds ?? 0) / most);
    return el(
      'tr',
      { data: { at } },
      el('td', { class: 'path' }, name),
      el('td', { class: 'rebuilds' }, String(file.rebuilds ?? ''), meter),
      this.timed && el('td', { class: 'seconds' }, shortSeconds(file.seconds)),
      el('td', { class: 'bytes' }, typeof file.bytes === 'number' ? bytes({ value: file.bytes, measured: true }) : ''),
    );
  }
}
// The page: what is shown, what was asked, and what the keys do.

/** A plan of more steps than this begins with its quiet stages folded. */
const MANY = 80;

/** What stands where the answer will be. */
const HINT = 'Ask what a change would rebuild, or point at a file of the list. Arrow keys walk the steps, Enter shows one.';

/** A question that names nothing. */
const NOTHING = { lines: new Set(), triggers: new Set() };

class Page {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    const on = {
      hover: (/** @type {Board} */ board, /** @type {number | null} */ line) => this.hover(board, line),
      open: (/** @type {Board} */ board, /** @type {number} */ line) => this.open(board, line),
      fold: (/** @type {Board} */ _board, /** @type {string} */ key) => this.fold(key),
    };
    this.boards = ['Stages', 'Stages after the proposal'].map((name, n) => {
      const board = new Board(name, on);
      board.element.dataset.board = String(n);
      return board;
    });
    this.files = new Files({ reach: (file) => this.reach(file), ask: (path) => this.ask(path === this.question ? '' : path) });
    this.question = '';
    this.show = 'now';
    this.folded = new Set();
    this.known = new Set();
    this.shown = new Set(STATES.map((s) => s.state));
    /** @type {{board: number, line: number} | null} */
    this.opened = null;
    /** @type {import('./plan.js').Model[]} */
    this.models = [];
    this.build();
  }

  build() {
    this.title = el('h1');
    this.lead = el('p', { class: 'lead' });
    this.facts = el('dl', { class: 'facts' });
    this.overview = el('div', { class: 'overview', 'aria-hidden': 'true' });
    this.overview.addEventListener('click', (/** @type {any} */ event) => {
      const line = Number(event.target.dataset.line);
      if (line) this.go(0, line);
    });
    this.legend = el('div', { class: 'legend', role: 'group', 'aria-label': 'Which steps are shown' });
    this.edges = el('p', { class: 'samples' });
    this.views = el('div', { class: 'views', role: 'group', 'aria-label': 'Before and after the proposal' });
    this.foldAll = el('button', { type: 'button', class: 'plain', on: { click: () => this.foldEvery() } });
    this.input = el('input', {
      id: 'question', type: 'text', list: 'known', placeholder: 'package.json, *.ts, a folder, a build argument', spellcheck: 'false', autocomplete: 'off',
    });
    this.input.addEventListener('input', () => this.ask(this.input.value, true));
    this.input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Escape' && this.question !== '') {
        event.stopPropagation();
        this.ask('');
      }
    });
    this.known_ = el('datalist', { id: 'known' });
    this.answer = el('p', { class: 'answer', role: 'status' });
    this.clear = el('button', { type: 'button', class: 'plain', on: { click: () => { this.ask(''); this.input.focus(); } } }, 'Clear');
    const form = el(
      'form',
      { class: 'question', role: 'search' },
      el('label', { for: 'question' }, 'What if I change'),
      this.input,
      this.known_,
      this.clear,
    );
    form.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
    this.stage = el('main', { class: 'boards', id: 'boards' }, ...this.boards.map((board) => board.element));
    this.panel = el('section', { class: 'details', hidden: true, 'aria-labelledby': 'details-title' });
    this.side = el('aside', { 'aria-label': 'Details and files' }, this.panel, this.files.element);
    this.root.replaceChildren(
      el(
        'div',
        { class: 'page' },
        el('header', { class: 'head' }, el('div', { class: 'what' }, this.title, this.lead), this.facts, this.overview),
        el(
          'div',
          { class: 'tools' },
          el('div', { class: 'row' }, form, this.views, this.legend),
          el('div', { class: 'row' }, this.answer, this.edges, this.foldAll),
        ),
        el('div', { class: 'body' }, this.stage, this.side),
      ),
    );
    this.stage.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => this.key(event));
    this.stage.addEventListener('focusin', (/** @type {any} */ event) => this.rove(event.target));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.opened) this.close();
    });
    window.addEventListener('resize', () => this.later());
    window.addEventListener('beforeprint', () => this.boards.forEach((board) => board.canvas.style.setProperty('--printed', `${board.columns.scrollWidth}px`)));
    window.addEventListener('afterprint', () => this.boards.forEach((board) => board.canvas.removeAttribute('style')));
    // Fonts that come late, or a panel that opens, move what the edges lead to.
    new ResizeObserver(() => this.later()).observe(this.stage);
  }

  later() {
    cancelAnimationFrame(this.frame ?? 0);
    this.frame = requestAnimationFrame(() => this.boards.forEach((board) => board.measure()));
  }

  /** Takes a plan, whole. @param {any} data */
  take(data) {
    if (!readable(data)) {
      if (this.models.length === 0) this.fail('This page holds no plan of version 1.');
      return;
    }
    const first = this.models.length === 0;
    const kept = first ? null : this.remember();
    this.data = data;
    this.models = [readPlan(data)];
    const after = data.after;
    if (after && readable(after.plan)) this.models.push(readPlan({ ...after.plan, files: after.plan.files ?? data.files, ignore: after.plan.ignore ?? data.ignore }));
    else this.show = 'now';
    if (first && this.models.length > 1) this.show = 'both';
    for (const model of this.models) {
      const quiet = model.steps.length > MANY && !model.graph;
      for (const stage of model.stages) {
        if (this.known.has(stage.key)) continue;
        this.known.add(stage.key);
        if (quiet && !stage.steps.some((step) => runs(step.state))) this.folded.add(stage.key);
      }
    }
    this.options();
    this.files.show(data);
    this.render();
    if (kept) this.recall(kept);
    else this.rove(this.items()[0]);
  }

  /** @param {string} message */
  fail(message) {
    this.root.replaceChildren(el('p', { class: 'noscript', role: 'alert' }, message));
  }

  /** What the question box offers. */
  options() {
    const names = (this.data.build_args ?? []).map((/** @type {any} */ a) => a.name);
    const paths = (this.data.files ?? []).map((/** @type {any} */ f) => f.path);
    this.known_.replaceChildren(...names.concat(paths).slice(0, 300).map((/** @type {string} */ value) => el('option', { value })));
  }

  /** What each board shows. */
  viewsOf() {
    return this.models.map((model) => {
      const question = asked(model, this.question);
      if (!question) return { view: plainView(model), question };
      return { view: { model, ...propagate(model, question), asked: true }, question };
    });
  }

  render() {
    const { data } = this;
    const all = this.viewsOf();
    const views = all.map((found) => found.view);
    const [now, after] = views;
    const plain = plainView(now.model);
    const counts = tally(now.model.steps, plain.states);
    this.title.textContent = clean(data.dockerfile ?? 'Dockerfile');
    const price = now.model.graph ? '' : priceText(plain);
    this.lead.replaceChildren(
      el('strong', {}, now.model.graph ? `${count(now.model.stages.filter((s) => s.index >= 0).length, 'stage')}, ${count(now.model.steps.length, 'instruction')}` : capital(headline(counts))),
      price && el('span', { class: 'price' }, price),
    );
    this.facts.replaceChildren(...facts(data, now.model.graph).flatMap(([name, value]) => [el('div', {}, el('dt', {}, name), el('dd', {}, value))]));
    this.renderLegend(now);
    this.renderViews(views);
    const question = all[0].question;
    this.answer.textContent = question ? this.answerText(all) : HINT;
    this.clear.disabled = this.question === '';
    this.answer.classList.toggle('hint', !question);
    this.root.classList.toggle('asking', !!question);
    const most = Math.max(0, ...this.models.flatMap((model) => model.steps.map((step) => step.price?.seconds?.value ?? 0)));
    const visible = [this.show !== 'after', this.show !== 'now' && after !== undefined];
    const both = visible[0] && visible[1];
    if (both !== this.stage.classList.contains('both')) this.boards.forEach((board) => { board.width = 0; });
    this.stage.classList.toggle('both', both);
    this.boards.forEach((board, n) => { board.element.hidden = !visible[n]; });
    this.boards.forEach((board, n) => {
      if (!views[n] || !visible[n]) return;
      if (board.width === 0) board.width = board.scroller.clientWidth;
      const label = n === 0 ? 'Now' : `After: ${clean(data.after?.title ?? 'the proposal')}`;
      const cost = priceText(views[n]);
      const title = this.models.length > 1 ? `${label} — ${headline(tally(views[n].model.steps, views[n].states))}${cost ? `, ${cost}` : ''}` : '';
      board.show(views[n], { title, folded: this.folded, shown: this.shown, most });
    });
    this.overview.replaceChildren(...now.model.stages.flatMap((stage, n) => (n === 0 ? [] : [el('span', { class: 'between' })]).concat(cells(stage.steps, now.states))));
    this.overview.classList.toggle('dense', now.model.steps.length > 150);
    this.overview.hidden = now.states.size === 0;
    const folds = this.models.flatMap((model) => model.stages);
    this.foldAll.hidden = folds.length < 4;
    this.foldAll.textContent = folds.some((stage) => !this.folded.has(stage.key)) ? 'Fold all' : 'Unfold all';
    this.views_ = views;
    this.files.mark(this.question);
    // What was hidden or folded away is no place to come back to.
    if (!this.stage.querySelector('.item[tabindex="0"]')?.checkVisibility()) this.rove(this.items()[0]);
    if (this.opened) this.renderDetails();
  }

  /** @param {{view: any, question: any}[]} all */
  answerText(all) {
    const [{ view, question }] = all;
    const counts = tally(view.model.steps, view.states);
    const cost = priceText(view);
    const note = question.note ? ` (${question.note})` : '';
    const first = `Once all is built, changing ${question.what}${note}: ${headline(counts)}${cost ? `, ${cost}` : ''}.`;
    if (all.length < 2 || !all[1].question) return first;
    const then = priceText(all[1].view);
    return `${first} After the proposal: ${headline(tally(all[1].view.model.steps, all[1].view.states))}${then ? `, ${then}` : ''}.`;
  }

  /** @param {import('./lanes.js').View} view */
  renderLegend(view) {
    const counts = /** @type {any} */ (tally(view.model.steps, view.states));
    if (this.legend.children.length === 0) {
      this.legend.append(
        ...STATES.map(({ state, sign, word, says }) =>
          el(
            'button',
            { type: 'button', class: `chip ${state}`, title: `${word}: ${says}`, data: { state }, on: { click: () => this.toggle(state) } },
            el('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
            el('span', { class: 'word' }, word),
            el('span', { class: 'number' }),
          ),
        ),
      );
      this.edges.append(edgeSample('key', 'stands on'), edgeSample('content', 'reads files of'));
    }
    this.edges.hidden = this.models.every((model) => model.crossings.length === 0);
    for (const chip of this.legend.children) {
      chip.hidden = view.states.size === 0;
      chip.setAttribute('aria-pressed', String(this.shown.has(chip.dataset.state)));
      chip.querySelector('.number').textContent = String(counts[chip.dataset.state] ?? 0);
    }
  }

  /** @param {import('./lanes.js').View[]} views */
  renderViews(views) {
    this.views.hidden = views.length < 2;
    if (this.views.children.length === 0) {
      for (const [value, name] of [['now', 'Now'], ['after', 'After'], ['both', 'Side by side']]) {
        this.views.append(el('button', { type: 'button', data: { value }, on: { click: () => this.switch(value) } }, name));
      }
    }
    for (const button of this.views.children) button.setAttribute('aria-pressed', String(button.dataset.value === this.show));
  }

  /** @param {string} value */
  switch(value) {
    this.show = value;
    if (this.opened && ((value === 'now' && this.opened.board === 1) || (value === 'after' && this.opened.board === 0))) this.close();
    this.render();
    this.rove(this.items()[0]);
  }

  /** Shows or hides the steps of a state. @param {string} state */
  toggle(state) {
    if (!this.shown.delete(state)) this.shown.add(state);
    this.keep(() => this.render());
  }

  /** @param {string} key */
  fold(key) {
    if (!this.folded.delete(key)) this.folded.add(key);
    this.keep(() => this.render());
  }

  foldEvery() {
    const stages = this.models.flatMap((model) => model.stages);
    if (stages.some((stage) => !this.folded.has(stage.key))) stages.forEach((stage) => this.folded.add(stage.key));
    else this.folded.clear();
    this.render();
  }

  /** @param {string} text @param {boolean} [typed] */
  ask(text, typed = false) {
    this.question = text;
    if (!typed) this.input.value = text;
    this.keep(() => this.render());
  }

  /** @param {any} file */
  reach(file) {
    this.boards.forEach((board, n) => {
      const model = this.models[n];
      board.reach(file && model ? propagate(model, asked(model, file.path) ?? NOTHING).states : null);
    });
  }

  /** @param {Board} board @param {number | null} line */
  hover(board, line) {
    const target = line ?? (this.opened && this.boards[this.opened.board] === board ? this.opened.line : null);
    board.light(target);
    const root = target === null || !board.view ? null : chainOf(board.view, target).root;
    this.files.light(root?.file ?? null);
  }

  /** @param {Board} board @param {number} line */
  open(board, line) {
    const at = this.boards.indexOf(board);
    if (this.opened?.board === at && this.opened.line === line) this.close();
    else {
      this.opened = { board: at, line };
      this.renderDetails();
      this.panel.scrollTop = 0;
    }
    if (at === 0) host?.postMessage({ type: 'reveal', line });
  }

  close() {
    const focus = this.panel.contains(document.activeElement);
    const { board, line } = this.opened ?? { board: 0, line: 0 };
    this.opened = null;
    this.panel.hidden = true;
    this.side.classList.remove('open');
    this.boards.forEach((b) => b.select(null));
    if (focus) this.boards[board].rows.get(line)?.button.focus();
  }

  renderDetails() {
    if (!this.opened) return;
    const { board, line } = this.opened;
    const view = this.views_?.[board];
    const step = view?.model.byLine.get(line);
    if (!view || !step) {
      this.close();
      return;
    }
    const inside = this.panel.contains(document.activeElement);
    const on = {
      go: (/** @type {number} */ to) => this.go(board, to),
      close: () => this.close(),
      ask: (/** @type {string} */ text) => this.ask(text),
    };
    this.panel.replaceChildren(...details(view, step, on));
    if (inside) this.panel.querySelector('.close')?.focus({ preventScroll: true });
    this.panel.hidden = false;
    this.side.classList.add('open');
    this.boards.forEach((b, n) => b.select(n === board ? line : null));
  }

  /** Goes to a step: unfolds its stage, shows it and puts the focus there. @param {number} at @param {number} line */
  go(at, line) {
    const board = this.boards[at];
    const step = this.models[at]?.byLine.get(line);
    if (!step) return;
    const stage = this.models[at].stages.find((s) => s.index === step.stage);
    const state = this.views_?.[at].states.get(line);
    if ((stage && this.folded.delete(stage.key)) || (state && !this.shown.has(state))) {
      if (state) this.shown.add(state);
      this.render();
    }
    if (this.opened) {
      this.opened = { board: at, line };
      this.renderDetails();
    }
    const button = board.rows.get(line)?.button;
    button?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    button?.focus({ preventScroll: true });
  }

  /** What the keys can reach on the boards, in reading order. @returns {any[]} */
  items() {
    return [...this.stage.querySelectorAll('.board:not([hidden]) .item')].filter((item) => !item.closest('[hidden]'));
  }

  /** One item is in the tab order: the last one that had the focus. @param {any} target */
  rove(target) {
    const item = target?.closest?.('.item');
    if (!item) return;
    for (const other of this.stage.querySelectorAll('.item[tabindex="0"]')) other.tabIndex = -1;
    item.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const item = /** @type {any} */ (event.target)?.closest?.('.item');
    if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = this.items();
    const at = items.indexOf(item);
    /** @type {any} */
    let next = null;
    if (event.key === 'ArrowDown') next = items[at + 1];
    else if (event.key === 'ArrowUp') next = items[at - 1];
    else if (event.key === 'Home') next = items[0];
    else if (event.key === 'End') next = items.at(-1);
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') next = beside(items, item, event.key === 'ArrowRight');
    else if (event.key === 'n' || event.key === 'p') {
      const order = event.key === 'n' ? items.slice(at + 1) : items.slice(0, at).reverse();
      next = order.find((other) => other.matches('.step.rebuilt, .step.depends'));
    } else return;
    event.preventDefault();
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (this.opened && next.matches('.step')) {
      this.opened = { board: Number(next.closest('.board').dataset.board), line: Number(next.dataset.line) };
      this.renderDetails();
    }
  }

  /** Where the eye is: the item with the focus, or the first one that is in view; and how high it stands. */
  remember() {
    const items = this.items();
    const focused = /** @type {any} */ (document.activeElement)?.closest?.('.item');
    const top = this.stage.getBoundingClientRect().top;
    const item = focused ?? items.find((other) => other.getBoundingClientRect().top >= top) ?? items[0];
    const open = this.opened ? this.models[this.opened.board].byLine.get(this.opened.line)?.key ?? null : null;
    return {
      focused: !!focused, key: item?.dataset.key, board: item?.closest('.board')?.dataset.board,
      y: item?.getBoundingClientRect().top ?? 0, open, left: this.boards.map((board) => board.scroller.scrollLeft),
    };
  }

  /** @param {any} kept */
  recall(kept) {
    this.boards.forEach((board, n) => { board.scroller.scrollLeft = kept.left[n]; });
    const items = this.items();
    const item = items.find((other) => other.dataset.key === kept.key && other.closest('.board').dataset.board === kept.board);
    if (item) {
      this.scroll(item, kept.y);
      this.rove(item);
      if (kept.focused) item.focus({ preventScroll: true });
    } else this.rove(items[0]);
    if (this.opened) {
      const step = this.models[this.opened.board]?.steps.find((s) => s.key === kept.open);
      if (step) {
        this.opened = { board: this.opened.board, line: step.line };
        this.renderDetails();
      } else this.close();
    }
  }

  /** Scrolls so that an item stands where it stood. @param {any} item @param {number} y */
  scroll(item, y) {
    const by = item.getBoundingClientRect().top - y;
    const scroller = this.stage.scrollHeight > this.stage.clientHeight ? this.stage : document.scrollingElement;
    if (scroller && by !== 0) scroller.scrollTop += by;
  }

  /** Does something without moving what the eye is on. @param {() => void} change */
  keep(change) {
    const kept = this.remember();
    change();
    const item = this.items().find((other) => other.dataset.key === kept.key && other.closest('.board').dataset.board === kept.board);
    if (item) this.scroll(item, kept.y);
  }
}

/** The item in the next column at about the same height. @param {any[]} items @param {any} item @param {boolean} right */
function beside(items, item, right) {
  const from = item.getBoundingClientRect();
  const column = item.closest('.column');
  let best = null;
  let least = Infinity;
  for (const other of items) {
    if (other.closest('.column') === column) continue;
    const to = other.getBoundingClientRect();
    const across = right ? to.left - from.right : from.left - to.right;
    if (across < -1) continue;
    const far = across * 4 + Math.abs(to.top + to.height / 2 - from.top - from.height / 2);
    if (far < least) [best, least] = [other, far];
  }
  return best;
}

/** What the plan is about. @param {any} data @param {boolean} graph @returns {[string, string][]} */
function facts(data, graph) {
  /** @type {[string, string][]} */
  const found = [];
  if (!graph) {
    const when = data.baseline?.when ? `, ${clean(data.baseline.when).replace('T', ' ').slice(0, 16)}` : '';
    found.push(['Compared with', `${clean(data.baseline?.name ?? data.before ?? 'nothing')}${when}`]);
    /** @type {Record<string, string>} */
    const words = { local: 'local', min: 'imported, mode=min', max: 'imported, mode=max', none: 'empty' };
    if (data.cache) found.push(['Cache', words[data.cache] ?? clean(data.cache)]);
  }
  if (data.engine) found.push(['Engine', clean(data.engine)]);
  found.push(['Context', data.context === null || data.context === undefined ? 'unknown' : clean(data.context)]);
  if (data.target) found.push(['Target', clean(data.target)]);
  if (data.image?.bytes) {
    const pull = data.image.pull_seconds ? `, pulled in ${seconds(data.image.pull_seconds)}` : '';
    // The base image's size is often not known; then this is what lies above it.
    const least = (data.image.parts ?? []).some((/** @type {any} */ part) => part.bytes === null) ? 'more than ' : '';
    found.push(['Image', `${least}${bytes(data.image.bytes)}${pull}`]);
  }
  return found;
}

/** A line of the legend. @param {string} by @param {string} text */
function edgeSample(by, text) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'sample');
  svg.setAttribute('viewBox', '0 0 28 8');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', 'M0 4H22');
  line.setAttribute('class', `edge ${by}`);
  const tip = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  tip.setAttribute('d', 'M28 4l-7 -4v8z');
  tip.setAttribute('class', 'edge tip');
  svg.append(line, tip);
  return el('span', {}, svg, text);
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The editor that shows this page, if one does. @type {{postMessage: (message: any) => void} | null} */
const host = /** @type {any} */ (globalThis).acquireVsCodeApi?.() ?? null;

const page = new Page(/** @type {HTMLElement} */ (document.getElementById('page')));
try {
  page.take(JSON.parse(document.getElementById('data')?.textContent ?? 'null'));
} catch (error) {
  page.fail(`This page holds no plan that can be read: ${error instanceof Error ? error.message : error}`);
}
window.addEventListener('message', (event) => {
  if (event.data?.type === 'plan') page.take(event.data.plan);
});
