// The files of the build context, and how much each would rebuild.
import { bar, bytes, clean, count, el, fill, shortSeconds } from './text.js';

const COLUMNS = [
  { key: 'path', name: 'File', sort: (/** @type {any} */ a, /** @type {any} */ b) => (a.path < b.path ? -1 : 1) },
  { key: 'rebuilds', name: 'Steps', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.rebuilds ?? 0) - (a.rebuilds ?? 0) },
  { key: 'seconds', name: 'Time', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.seconds?.value ?? 0) - (a.seconds?.value ?? 0) },
  { key: 'bytes', name: 'Size', sort: (/** @type {any} */ a, /** @type {any} */ b) => (b.bytes ?? 0) - (a.bytes ?? 0) },
];

export class Files {
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
