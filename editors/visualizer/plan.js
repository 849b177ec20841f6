// The plan as the page needs it: stages with their steps, what reads what, and causes in words.
import { clean, stateOf } from './text.js';

/**
 * @typedef {{line?: number, context?: true | string, image?: string, remote?: string, by: string}} Input
 * @typedef {{line: number, endLine: number, stage: number, text: string, keyword: string, rest: string, kind: string,
 *   state: string | null, because: any[], chain: any[], missing: string[], price: any, files: any, inputs: Input[],
 *   result: Input[], sources: string[], triggers: any[], key: string}} Step
 * @typedef {{index: number, name: string, key: string, line: number, base: any, built: boolean, steps: Step[], price: any}} Stage
 */

/** Whether a value is a plan, or a build graph, that this page can show. @param {any} data */
export function readable(data) {
  return !!data && typeof data === 'object' && data.version === 1 && Array.isArray(data.steps);
}

/**
 * @param {any} data
 */
export function readPlan(data) {
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
export function runs(state) {
  return state === 'rebuilt' || state === 'depends';
}

/**
 * A cause in words; the words of `layerwise plan`.
 * @param {any} cause @param {Step} step @param {Map<number, string>} states @param {Map<number, Step>} byLine
 */
export function causeText(cause, step, states, byLine) {
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
export function causesText(step, causes, states, byLine) {
  const words = causes.slice(0, 2).map((cause) => causeText(cause, step, states, byLine));
  if (causes.length > 2) words.push(`${causes.length - 2} more`);
  return words.join('; ');
}

/** What a stage starts from, in words. @param {Stage} stage */
export function baseText(stage) {
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
export function tally(steps, states) {
  /** @type {Record<string, number>} */
  const found = { cached: 0, rebuilt: 0, depends: 0, metadata: 0, 'not-built': 0 };
  for (const step of steps) {
    const state = states.get(step.line);
    if (state !== undefined) found[state] = (found[state] ?? 0) + 1;
  }
  return { ...found, all: found.cached + found.rebuilt + found.depends };
}

/** "2 of 9 steps rebuild, 1 depends": the words of `layerwise plan`. @param {ReturnType<typeof tally>} counts */
export function headline(counts) {
  const { rebuilt, depends, all } = /** @type {any} */ (counts);
  const first = rebuilt === 0 ? `none of ${all} steps rebuilds` : `${rebuilt} of ${all} steps ${rebuilt === 1 ? 'rebuilds' : 'rebuild'}`;
  return depends === 0 ? first : `${first}, ${depends} ${depends === 1 ? 'depends' : 'depend'}`;
}

/** What a reader that sees no picture is told of a step. @param {Step} step @param {string | undefined} state @param {string} why */
export function spoken(step, state, why) {
  const word = stateOf(state ?? null).word;
  return [`Line ${step.line}: ${step.text.slice(0, 240)}`, word, why && `because ${why}`].filter(Boolean).join(', ');
}
