// What is known of one step.
import { bytes, clean, count, el, seconds, stateOf, tile } from './text.js';
import { causeText, runs } from './plan.js';
import { chainOf } from './lanes.js';

/**
 * @param {import('./lanes.js').View} view @param {import('./plan.js').Step} step
 * @param {{go: (line: number) => void, close: () => void, ask: (text: string) => void}} on
 */
export function details(view, step, on) {
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
