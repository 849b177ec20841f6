// The page: what is shown, what was asked, and what the keys do.
import { STATES, bytes, clean, count, el, seconds } from './text.js';
import { headline, readPlan, readable, runs, tally } from './plan.js';
import { asked, propagate } from './whatif.js';
import { Board, cells, chainOf, plainView, priceText } from './lanes.js';
import { details } from './details.js';
import { Files } from './files.js';

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
