// "What if this changes?": which steps a file, a pattern or a build argument touches, and what follows from it.
import { clean } from './text.js';
import { runs } from './plan.js';

/**
 * A pattern as a regular expression over whole paths: `*` and `?` stay inside a directory, `**` does not.
 * @param {string} pattern
 * @returns {RegExp | null} null for what is no pattern
 */
export function glob(pattern) {
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
export function cleanPath(path) {
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
export function ignored(patterns, path) {
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
export function selects(source, path) {
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
export function asked(model, text) {
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
export function propagate(model, { lines, maybe, triggers }) {
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
