// The page in real Chromium: what it shows, and what it does when somebody uses it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch, open, shots } from './browser.mjs';
import { ODD, SMALL, WEB, dataOf, manyStages, priced, project, run, save, withData } from './projects.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const dirs = { small: project(SMALL), web: project(WEB), odd: project(ODD), many: project(manyStages()) };
/** @param {string} dir @param {...string} args */
const html = (dir, ...args) => run(dir, ['plan', '--format', 'html', ...args]);
const webHtml = html(dirs.web, '--changed', 'src/app.ts');
const webData = priced(dataOf(webHtml));
const webPage = save(dirs.web, withData(webHtml, webData), 'web.html');
const manyHtml = html(dirs.many, '--changed', 'services/service-07/main.go');
const manyPage = save(dirs.many, manyHtml, 'many.html');

/** The states that the page shows, by line. @param {import('playwright-core').Page} page @returns {Promise<Record<string, string>>} */
const statesOf = (page, board = 0) =>
  page.evaluate((n) => {
    const states = ['cached', 'rebuilt', 'depends', 'metadata', 'not-built'];
    const steps = [...document.querySelectorAll(`.board[data-board="${n}"] .step`)];
    return Object.fromEntries(steps.map((s) => [s.dataset.line, states.find((state) => s.classList.contains(state)) ?? '']));
  }, board);
/** @param {any} data @returns {Record<string, string>} */
const statesIn = (data) => Object.fromEntries(data.steps.map((s) => [s.line, s.state]));
/** The lines that have a class. @param {import('playwright-core').Page} page @param {string} name */
const marked = (page, name) => page.evaluate((n) => [...document.querySelectorAll(`.board[data-board="0"] .step.${n}`)].map((s) => Number(s.dataset.line)), name);
const step = (page, line, board = 0) => page.locator(`.board[data-board="${board}"] .step[data-line="${line}"]`);

test('every step is in the accessibility tree, in a list of stages, with its state', async () => {
  const { page, done } = await open(browser, webPage);
  const tree = await page.locator('#boards').ariaSnapshot();
  assert.match(tree, /- list "Stages":\n\s+- listitem:\n\s+- heading "Stage before the first FROM[^\n]*" \[level=3\]/);
  assert.match(tree, /- heading "Stage build, from stage deps, 2 of 3 rebuild" \[level=3\]/);
  const words = { cached: 'cached', rebuilt: 'rebuilt', depends: 'depends', metadata: 'metadata', 'not-built': 'not built' };
  for (const { line, instruction, state } of webData.steps) {
    const name = `Line ${line}: ${instruction.replace(/\s+/g, ' ').slice(0, 20)}`;
    const found = tree.replace(/\\"/g, '"').split('\n').find((l) => l.includes(`button "${name}`) || l.includes(`button '${name}`) || l.includes(`'button "${name}`));
    assert.ok(found, `${name} is not in\n${tree}`);
    assert.ok(found.includes(`, ${words[state]}`), found);
  }
  assert.ok(tree.includes('rebuilt, because src/app.ts changes'), tree);
  const whole = await page.locator('body').ariaSnapshot();
  for (const part of ['- banner:', '- main:', '- complementary "Details and files":', '- search:', 'heading "Dockerfile" [level=1]', '- table:', 'group "Which steps are shown"']) {
    assert.ok(whole.includes(part), `${part} is not in\n${whole}`);
  }
  await done();
});

test('baseline, engine, cache, context and legend are always in view', async () => {
  const { page, done } = await open(browser, manyPage);
  await page.evaluate(() => { document.querySelector('.boards').scrollTop = 1e6; });
  for (const text of ['the same build before services/service-07/main.go changed', 'buildkit', 'local', 'stage-39']) {
    assert.ok(await page.locator('.facts dd', { hasText: text }).first().isVisible(), text);
    const box = await page.locator('.facts dd', { hasText: text }).first().boundingBox();
    assert.ok(box && box.y > 0 && box.y < 100, text);
  }
  const signs = await page.locator('.legend .chip .sign').allTextContents();
  assert.equal(new Set(signs).size, 5, 'states can be told apart without colour');
  const shown = await page.evaluate(() => [...document.querySelectorAll('.step')].map((s) => [s.className.match(/cached|rebuilt|depends|metadata|not-built/)[0], s.querySelector('.sign').textContent]));
  const bySign = new Map(shown.map(([state, sign]) => [state, sign]));
  for (const [state, sign] of shown) assert.equal(sign, bySign.get(state));
  assert.equal(new Set(bySign.values()).size, bySign.size);
  await done();
});

test('hovering a step marks the chain to the root cause, and the file', async () => {
  const { page, done } = await open(browser, webPage);
  await step(page, 30).hover();
  assert.deepEqual(await marked(page, 'lit'), [12, 13, 30]);
  assert.deepEqual(await marked(page, 'root'), [12]);
  assert.equal(await page.locator('.board[data-board="0"] .edges.over path.lit:not(.tip)').count(), 2);
  assert.equal(await page.locator('.files tr.lit').textContent().then((t) => t.includes('app.ts')), true);
  await step(page, 4).hover();
  assert.deepEqual(await marked(page, 'lit'), [], 'a cached step has no cause');
  await page.screenshot({ path: join(shots, 'web.png') });
  await done();
});

test('the focus marks the chain as well', async () => {
  const { page, done } = await open(browser, webPage);
  await step(page, 13).focus();
  assert.deepEqual(await marked(page, 'lit'), [12, 13]);
  await page.locator('#question').focus();
  assert.deepEqual(await marked(page, 'lit'), []);
  await done();
});

test('keys walk the steps, open one and close it', async () => {
  const { page, done } = await open(browser, webPage, { host: true });
  const at = () => page.evaluate(() => document.activeElement?.dataset.line ?? document.activeElement?.querySelector('.name')?.textContent ?? document.activeElement?.tagName);
  assert.equal(await page.locator('#boards .item[tabindex="0"]').count(), 1, 'one tab stop for all steps');
  await page.locator('#boards .item[tabindex="0"]').focus();
  assert.equal(await at(), 'before the first FROM');
  const walked = [];
  for (let n = 0; n < 4; n += 1) {
    await page.keyboard.press('ArrowDown');
    walked.push(await at());
  }
  assert.deepEqual(walked, ['2', 'deps', '4', '5']);
  await page.keyboard.press('ArrowRight');
  assert.ok(['10', '11', '12', '13'].includes(await at()), await at());
  await page.keyboard.press('ArrowLeft');
  assert.ok(['deps', '4', '5', '6', '7'].includes(await at()), await at());
  await page.keyboard.press('Home');
  await page.keyboard.press('n');
  assert.equal(await at(), '12');
  await page.keyboard.press('n');
  assert.equal(await at(), '13');
  await page.keyboard.press('p');
  assert.equal(await at(), '12');
  const outline = await step(page, 12).evaluate((e) => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]);
  assert.deepEqual(outline, ['solid', '2px'], 'the focus is visible');
  assert.equal(await page.locator('.details').isVisible(), false);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('.details h2').textContent(), '!Line 12');
  assert.equal(await at(), '12', 'the focus stays');
  assert.deepEqual(await page.evaluate(() => window.posted), [{ type: 'reveal', line: 12 }]);
  assert.equal(await step(page, 12).getAttribute('aria-current'), 'true');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('.details h2').textContent(), '!Line 13', 'the details follow');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.details').isVisible(), false);
  assert.equal(await at(), '13');
  await page.keyboard.press('End');
  assert.equal(await at(), '34');
  await page.keyboard.press('Tab');
  assert.notEqual(await at(), '34', 'one press leaves the steps');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await at(), '34', 'and comes back to where it was');
  await done();
});

test('the details say why, what is read and by whom', async () => {
  const { page, done } = await open(browser, webPage);
  await step(page, 30).click();
  const text = await page.locator('.details').innerText();
  for (const part of ['Line 30', 'in stage-4', 'COPY --from=build /app/dist /srv/www', 'depends', 'if the step at line 13 comes out different', 'Down to the root', '12 COPY src ./src', 'src/app.ts changes', 'by content', 'Read by', '31 COPY deploy/config.toml']) {
    assert.ok(text.includes(part), `${part} is not in\n${text}`);
  }
  await page.screenshot({ path: join(shots, 'web-details.png') });
  await page.locator('.details .why .go').click();
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.line), '13');
  assert.ok((await page.locator('.details').innerText()).includes('1 min 24 s, measured'));
  await page.locator('.details .chain .go').last().click();
  assert.equal(await page.locator('#question').inputValue(), 'src/app.ts', 'the root asks what else it rebuilds');
  await page.locator('.close').click();
  assert.equal(await page.locator('.details').isVisible(), false);
  await done();
});

test('what-if says what the binary says, for files, folders, patterns and build arguments', async () => {
  const questions = {
    web: ['package.json', 'src/app.ts', 'src', 'server/internal/store/store.go', 'src/new/file.ts', 'README.md', 'CHANGES.md', 'node_modules/x/index.js', 'deploy/config.toml', 'nowhere/at/all'],
    odd: ['a.txt', 'b.txt', 'conf/x', 'conf', 'lib/new.c', 'lib/keep.md', 'lib/drop.md', 'docs/x', 'new-at-root'],
    small: ['src/index.js', 'package.json', 'new'],
  };
  let asked = 0;
  for (const [name, paths] of Object.entries(questions)) {
    const dir = dirs[name];
    const { page, done } = await open(browser, save(dir, html(dir, '--changed', paths[0]), 'whatif.html'));
    const args = name === 'web' ? ['NODE', 'API_URL'] : name === 'odd' ? ['V', 'BASE', 'UNUSED'] : [];
    for (const question of [...paths, ...args]) {
      const values = question === 'BASE' ? ['local/a', 'local/b'] : ['x1', 'x2'];
      const flags = args.includes(question) ? ['--build-arg', `${question}=${values[0]}`, '--before-build-arg', `${question}=${values[1]}`] : ['--changed', question];
      const expected = statesIn(JSON.parse(run(dir, ['plan', '--format', 'json', ...flags])));
      await page.fill('#question', question);
      assert.deepEqual(await statesOf(page), expected, `${name}: what if ${question} changes`);
      asked += 1;
    }
    await page.fill('#question', '');
    assert.deepEqual(await statesOf(page), statesIn(dataOf(await page.content())), 'without a question, the plan');
    await done();
  }
  assert.ok(asked > 20);
});

test('what-if takes patterns as people write them', async () => {
  const { page, done } = await open(browser, webPage);
  const rebuilt = async (question) => {
    await page.fill('#question', question);
    return marked(page, 'rebuilt');
  };
  assert.deepEqual(await rebuilt('*.tsx'), [12, 13]);
  assert.deepEqual(await rebuilt('src/**/*.tsx'), [12, 13]);
  assert.deepEqual(await rebuilt('*.json'), [6, 7, 11, 12, 13]);
  assert.deepEqual(await rebuilt('server/*.mod'), [17, 18, 19, 20]);
  assert.deepEqual(await rebuilt('*.java'), []);
  assert.deepEqual(await rebuilt('['), []);
  const answer = async (question) => {
    await page.fill('#question', question);
    return page.locator('.answer').textContent();
  };
  assert.match(await answer('*.json'), /changing \*\.json \(3 files\): 5 of 18 steps rebuild, 2 depend, ~.*\./);
  assert.match(await answer('CHANGES.md'), /the ignore file leaves it out\): none of 18 steps rebuilds/);
  assert.match(await answer('API_URL=x'), /build argument API_URL: 1 of 18 steps rebuilds/);
  await page.fill('#question', 'package.json');
  await page.screenshot({ path: join(shots, 'web-whatif.png') });
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#question').inputValue(), '');
  await done();
});

test('files can be sorted, filtered, looked at and asked about', async () => {
  const { page, done } = await open(browser, webPage);
  const paths = () => page.locator('.files tbody td.path').allInnerTexts().then((all) => all.map((t) => t.replace(/\n/g, '')));
  assert.equal((await paths()).length, webData.files.length);
  await page.click('th.path button');
  assert.deepEqual(await paths(), webData.files.map((f) => f.path).sort());
  assert.equal(await page.locator('th.path').getAttribute('aria-sort'), 'ascending');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.key), 'path', 'the focus stays on the column');
  await page.click('th.bytes button');
  assert.equal((await paths())[0], [...webData.files].sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))[0].path);
  await page.fill('#filter', 'src/ tsx');
  assert.deepEqual((await paths()).sort(), ['src/pages/home.tsx', 'src/pages/settings/profile.tsx']);
  assert.equal(await page.locator('.files .count').textContent(), `2 of ${webData.files.length}`);
  await page.fill('#filter', '');
  const row = page.locator('.files tbody tr', { hasText: 'server/go.mod' });
  await row.hover();
  assert.deepEqual(await marked(page, 'reached'), [17, 18, 19, 20, 29, 30, 31]);
  await row.locator('button').click();
  assert.equal(await page.locator('#question').inputValue(), 'server/go.mod');
  assert.deepEqual(await marked(page, 'rebuilt'), [17, 18, 19, 20]);
  assert.match(await row.getAttribute('class'), /asked/);
  await row.locator('button').click();
  assert.equal(await page.locator('#question').inputValue(), '', 'a second time takes it back');
  await done();
});

test('the page and the command line say the same, and a proposal of the binary is shown', async () => {
  const example = fileURLToPath(new URL('../../examples/node-app', import.meta.url));
  const args = ['plan', '--changed', 'src/index.js', '--no-learnt'];
  const said = run(example, args).split('\n')[1];
  const url = save(project({}), run(example, [...args, '--proposal', 'reorder-copy', '--format', 'html']));
  const { page, done } = await open(browser, url, { viewport: { width: 1700, height: 900 } });
  const lead = (await page.locator('.lead').innerText()).replace(/\s+/g, ' ');
  assert.equal(lead.toLowerCase(), said.replace(':', '').toLowerCase());
  assert.equal(await page.locator('.board:visible').count(), 2);
  const [now, then] = await page.locator('.board-title').allTextContents();
  assert.match(now, /^Now — 3 of 8 steps rebuild, ~/);
  assert.match(then, /^After: .* — 2 of 9 steps rebuild, ~/);
  assert.match(await page.locator('.files th.seconds').innerText(), /Time/);
  await page.screenshot({ path: join(shots, 'proposal.png') });
  await done();
});

test('a proposal stands beside the plan', async () => {
  const proposal = priced(dataOf(html(dirs.web, '--changed', 'deploy/config.toml')));
  const data = { ...webData, after: { title: 'Split <the> stages', plan: proposal } };
  const { page, done } = await open(browser, save(dirs.web, withData(webHtml, data), 'both.html'), { viewport: { width: 1800, height: 1000 } });
  const visible = () => page.locator('.board:visible').count();
  assert.equal(await visible(), 2);
  assert.match(await page.locator('.board-title').nth(0).textContent(), /^Now — 2 of 18 steps rebuild, 2 depend, ~/);
  assert.match(await page.locator('.board-title').nth(1).textContent(), /^After: Split <the> stages — 1 of 18 steps rebuilds/);
  assert.deepEqual(await statesOf(page, 1), statesIn(proposal));
  await page.screenshot({ path: join(shots, 'web-both.png') });
  await page.getByRole('button', { name: 'After', exact: true }).click();
  assert.equal(await visible(), 1);
  assert.equal(await step(page, 31, 1).isVisible(), true);
  await step(page, 31, 1).click();
  assert.ok((await page.locator('.details').innerText()).includes('deploy/config.toml changes'));
  await page.getByRole('button', { name: 'Now', exact: true }).click();
  assert.equal(await step(page, 31, 0).isVisible(), true);
  assert.equal(await page.locator('.details').isVisible(), false, 'what is not shown has no details');
  await page.getByRole('button', { name: 'Side by side' }).click();
  await page.fill('#question', 'src/app.ts');
  assert.match(await page.locator('.answer').textContent(), /: 2 of 18 steps rebuild.* After the proposal: 2 of 18 steps rebuild/);
  assert.deepEqual(await statesOf(page, 1), await statesOf(page, 0));
  await done();
});

test('without a proposal there is nothing to switch', async () => {
  const { page, done } = await open(browser, webPage);
  assert.equal(await page.locator('.views').isVisible(), false);
  assert.equal(await page.locator('.board:visible').count(), 1);
  await done();
});

test('states can be hidden, and stages folded', async () => {
  const { page, done } = await open(browser, webPage);
  const cached = page.locator('.legend [data-state="cached"]');
  await cached.click();
  assert.equal(await cached.getAttribute('aria-pressed'), 'false');
  assert.equal(await step(page, 4).isVisible(), false);
  assert.equal(await step(page, 12).isVisible(), true);
  await cached.click();
  assert.equal(await step(page, 4).isVisible(), true);
  const build = page.locator('.fold', { hasText: 'build' }).first();
  await build.click();
  assert.equal(await build.getAttribute('aria-expanded'), 'false');
  assert.equal(await step(page, 12).isVisible(), false);
  assert.equal(await page.locator('.stage.folded .strip .cell').count(), 5);
  // A cause in a folded stage: going there unfolds it.
  await step(page, 30).click();
  await page.locator('.details .why .go').click();
  assert.equal(await step(page, 13).isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.line), '13');
  await page.getByRole('button', { name: 'Fold all', exact: true }).click();
  assert.equal(await page.locator('.step:visible').count(), 0);
  assert.equal(await page.locator('#boards .item[tabindex="0"]:visible').count(), 1, 'something can still be reached');
  await page.getByRole('button', { name: 'Unfold all' }).click();
  assert.equal(await page.locator('.step:visible').count(), webData.steps.length);
  await done();
});

test('figures carry their mark', async () => {
  const { page, done } = await open(browser, webPage);
  for (const { line, price } of webData.steps.filter((s) => s.price?.seconds)) {
    const text = await step(page, line).locator('.price').textContent();
    assert.equal(text.startsWith('~'), !price.seconds.measured, `line ${line}: ${text}`);
    assert.equal((await step(page, line).getAttribute('aria-label')).includes('an estimate'), !price.seconds.measured);
  }
  assert.match(await page.locator('.lead .price').textContent(), /^~/);
  const widths = await page.evaluate(() => [...document.querySelectorAll('.step')].map((s) => [s.querySelector('.price').textContent, s.querySelector('.bar rect').getBoundingClientRect().width]));
  const longest = widths.reduce((a, b) => (b[1] > a[1] ? b : a));
  assert.equal(longest[0], '1.4 min');
  await done();
});

for (const scheme of ['light', 'dark']) {
  test(`text has enough contrast, ${scheme}`, async () => {
    const proposal = { title: 'x', plan: webData };
    const { page, done } = await open(browser, save(dirs.web, withData(webHtml, { ...webData, after: proposal }), 'contrast.html'), { colorScheme: scheme, viewport: { width: 1800, height: 1000 } });
    await step(page, 13).click();
    await page.mouse.move(900, 990);
    const look = () => page.evaluate(contrasts);
    const found = (await look()).concat(await page.fill('#question', 'package.json').then(look), await page.locator('.files tbody tr').nth(3).hover().then(look));
    assert.ok(found.length > 300, `${found.length} texts were looked at`);
    const low = found.filter((f) => f.ratio < 4.5);
    assert.deepEqual(low.slice(0, 5), [], 'WCAG 2.2, 1.4.3');
    assert.equal(found.some((f) => f.dark), scheme === 'dark');
    await page.screenshot({ path: join(shots, `contrast-${scheme}.png`) });
    await done();
  });
}

/** Runs in the page: the contrast of every text with what is behind it. */
function contrasts() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, bottom) => [0, 1, 2].map((n) => top[n] * top[3] + bottom[n] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      layers.push(rgba(style.backgroundColor));
      const wash = style.boxShadow.match(/(color\([^)]*\)|rgba?\([^)]*\)) 0px 0px 0px 100px inset/);
      if (wash) layers.splice(layers.length - 1, 0, rgba(wash[1]));
    }
    return layers.reverse().reduce((bottom, top) => over(top, bottom), [255, 255, 255, 1]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.textContent.trim() === '' || !element.checkVisibility({ visibilityProperty: true }) || element.closest('script, style, noscript, option')) continue;
    const ground = behind(element);
    let opacity = 1;
    for (let e = element; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    const ink = rgba(getComputedStyle(element).color);
    const shown = over([ink[0], ink[1], ink[2], ink[3] * opacity], ground);
    const [a, b] = [light(shown), light(ground)].sort((x, y) => y - x);
    found.push({ text: node.textContent.trim().slice(0, 40), ratio: Math.round(((a + 0.05) / (b + 0.05)) * 100) / 100, class: element.className, dark: light(ground) < 0.05 });
  }
  return found;
}

test('the watch sees what it has to see', async () => {
  const { page, done } = await open(browser, webPage);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    document.body.setAttribute('style', 'color: red');
    new Image().src = 'http://127.0.0.1:9/x.png';
    fetch('http://127.0.0.1:9/y').catch(() => {});
  });
  await page.waitForTimeout(50);
  assert.equal(await page.evaluate(() => window.ran), undefined, 'the policy stops what is not the page\'s own');
  const seen = (await page.evaluate(() => window.violations)).map((v) => v.split(' ')[0]);
  for (const directive of ['script-src-elem', 'style-src-attr', 'img-src', 'connect-src']) assert.ok(seen.includes(directive), `${directive}: ${seen}`);
  await assert.rejects(done(), /violations of the content security policy/);
});

test('a hostile Dockerfile stays text', async () => {
  const odd = '\u001b[2J\u0007\u202eevil\u2066\u200b';
  const dir = project({
    Dockerfile: `FROM alpine AS a\nRUN </script><script>window.owned=1</script><img src=x onerror=window.owned=1> ${odd}\nRUN ${'x'.repeat(60_000)}\nRUN ${'word '.repeat(12_000)}\nCOPY ["<b>bold</b>", "&amp;", "/"]\nLABEL a="\u2028\u2029]]>"\n`,
    '<b>bold</b>': '1',
    '&amp;': '2',
    'evil\u202ename.txt': '3',
  });
  const { page, done } = await open(browser, save(dir, html(dir, '--context', '.', '--changed', '<b>bold</b>')));
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator('#page b b, #page img').count(), 0);
  const text = await page.evaluate(() => document.querySelector('#page').textContent + [...document.querySelectorAll('[aria-label], [title]')].map((e) => e.getAttribute('aria-label') + e.title).join());
  assert.ok(!/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069\u200b]/.test(text), 'nothing turns the writing around');
  assert.ok(text.includes('</script><script>window.owned=1</script><img src=x'));
  assert.ok(text.includes('<b>bold</b>'));
  for (let line = 2; line <= 5; line += 1) await step(page, line).click();
  const box = await step(page, 3).boundingBox();
  assert.ok(box.height < 80, `a huge instruction is ${box.height} high`);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.screenshot({ path: join(shots, 'hostile.png') });
  await done();
});

test('a page without a plan says so', async () => {
  for (const data of [null, {}, { version: 2, steps: [] }, { version: 1, steps: 'x' }]) {
    const { page, done } = await open(browser, save(dirs.small, withData(webHtml, data), 'broken.html'));
    assert.equal(await page.getByRole('alert').textContent(), 'This page holds no plan of version 1.');
    await done();
  }
});

test('a plan with nothing but the first fields is shown', async () => {
  const { stages, files, build_args, ignore, ...data } = dataOf(webHtml);
  const bare = { ...data, steps: data.steps.map(({ line, instruction, stage, state, because }) => ({ line, instruction, stage, state, because })) };
  const { page, done } = await open(browser, save(dirs.web, withData(webHtml, bare), 'bare.html'));
  assert.deepEqual(await statesOf(page), statesIn(data));
  assert.equal(await page.locator('.stage').count(), 6);
  assert.equal(await page.locator('aside').isVisible(), false, 'no files and no details: no empty panel');
  await step(page, 13).hover();
  assert.deepEqual(await marked(page, 'lit'), [12, 13], 'the chain is found without being told');
  await done();
});

test('a new plan comes in by message and nothing jumps', async () => {
  const { page, done } = await open(browser, manyPage);
  await page.getByRole('button', { name: 'Fold all' }).click();
  await page.getByRole('button', { name: 'Unfold all' }).click();
  await step(page, 200).focus();
  await step(page, 200).click();
  await page.evaluate(() => document.querySelector('.step[data-line="200"]').scrollIntoView({ block: 'center' }));
  const y = (await step(page, 200).boundingBox()).y;
  const before = await page.evaluate(() => document.activeElement.querySelector('.text').textContent);
  // Another service changes, and a line was typed above.
  const data = dataOf(html(dirs.many, '--changed', 'services/service-10/main.go'));
  const moved = JSON.parse(JSON.stringify(data), (key, value) => (['line', 'end_line'].includes(key) && typeof value === 'number' && value > 20 ? value + 3 : value));
  moved.files.forEach((file) => { file.lines = file.lines.map((line) => (line > 20 ? line + 3 : line)); });
  await page.evaluate((plan) => window.postMessage({ type: 'plan', plan }, '*'), moved);
  await page.waitForFunction(() => document.querySelector('.step[data-line="203"]')?.classList.contains('selected'));
  assert.equal(await page.evaluate(() => document.activeElement.querySelector('.text').textContent), before, 'the focus is on the same instruction');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.line), '203');
  assert.ok(Math.abs((await step(page, 203).boundingBox()).y - y) < 1, 'it stands where it stood');
  assert.match(await page.locator('.details h2').textContent(), /Line 203/);
  assert.deepEqual(await statesOf(page), statesIn(moved));
  // What is no plan changes nothing.
  for (const message of [null, 'x', { type: 'plan' }, { type: 'plan', plan: { version: 9, steps: [] } }, { type: 'other', plan: data }]) {
    await page.evaluate((m) => window.postMessage(m, '*'), message);
  }
  await page.waitForTimeout(30);
  assert.deepEqual(await statesOf(page), statesIn(moved));
  await done();
});

test('the same plan again changes no element', async () => {
  const { page, done } = await open(browser, webPage);
  const changes = await page.evaluate(async (plan) => {
    let seen = 0;
    const observer = new MutationObserver((records) => { seen += records.filter((r) => !r.target.closest?.('.edges, .overview, .facts, .lead, thead, tbody')).length; });
    observer.observe(document.querySelector('#boards .columns'), { subtree: true, childList: true, attributes: true, characterData: true });
    window.postMessage({ type: 'plan', plan }, '*');
    await new Promise((resolve) => setTimeout(resolve, 60));
    return seen;
  }, webData);
  assert.ok(changes < 60, `${changes} changes`);
  await done();
});

for (const [name, url, sizes] of [
  ['small', save(dirs.small, html(dirs.small, '--changed', 'src/index.js'), 'small.html'), [420, 900, 1440]],
  ['web', webPage, [420, 700, 1000, 1440, 2200]],
  ['many', manyPage, [420, 1000, 1440, 2400]],
  ['graph', save(dirs.web, run(dirs.web, ['graph', '--format', 'html']), 'graph.html'), [420, 1440]],
]) {
  for (const width of sizes) {
    test(`nothing overlaps: ${name} at ${width}`, async () => {
      const { page, done } = await open(browser, url, { viewport: { width, height: 900 }, colorScheme: width === 1000 ? 'dark' : 'light' });
      if (name === 'many') await page.getByRole('button', { name: 'Fold all' }).click().then(() => page.getByRole('button', { name: 'Unfold all' }).click());
      const wrong = await page.evaluate(() => {
        const found = [];
        const cards = [...document.querySelectorAll('.stage')].map((e) => [e, e.getBoundingClientRect()]);
        for (let a = 0; a < cards.length; a += 1) {
          for (let b = a + 1; b < cards.length; b += 1) {
            const [p, q] = [cards[a][1], cards[b][1]];
            if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) found.push(`stages ${a} and ${b}`);
          }
        }
        for (const [card, box] of cards) {
          for (const part of card.querySelectorAll('.step, .step > *, .fold, .title > *')) {
            const inner = part.getBoundingClientRect();
            if (inner.width > 0 && (inner.left < box.left - 1 || inner.right > box.right + 1 || inner.bottom > box.bottom + 1)) found.push(`${part.className} of ${card.textContent.slice(0, 30)}`);
          }
        }
        for (const row of document.querySelectorAll('.step')) {
          const parts = [...row.children].map((e) => e.getBoundingClientRect()).filter((b) => b.width > 0 && b.height > 0);
          for (let a = 0; a < parts.length; a += 1) {
            for (let b = a + 1; b < parts.length; b += 1) {
              if (parts[a].left < parts[b].right - 1 && parts[b].left < parts[a].right - 1 && parts[a].top < parts[b].bottom - 1 && parts[b].top < parts[a].bottom - 1) found.push(`in ${row.textContent.slice(0, 40)}`);
            }
          }
        }
        if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
        return found;
      });
      assert.deepEqual(wrong.slice(0, 5), []);
      await page.screenshot({ path: join(shots, `${name}-${width}.png`) });
      await done();
    });
  }
}

test('the build graph alone has no states, but can be asked', async () => {
  const { page, done } = await open(browser, save(dirs.web, run(dirs.web, ['graph', '--format', 'html']), 'graph.html'));
  assert.equal(await page.locator('.legend .chip:visible').count(), 0);
  assert.equal(await page.locator('.lead strong').textContent(), '5 stages, 26 instructions');
  assert.ok((await page.locator('.edge.content').count()) > 0);
  await page.fill('#question', 'src/app.ts');
  assert.deepEqual(await marked(page, 'rebuilt'), [12, 13]);
  await page.fill('#question', '');
  assert.deepEqual(await marked(page, 'rebuilt'), []);
  await done();
});

test('a saved page works like the first one', async () => {
  const { page, done } = await open(browser, webPage);
  await page.fill('#question', 'package.json');
  const saved = save(dirs.web, await page.content(), 'saved.html');
  await done();
  const again = await open(browser, saved);
  assert.deepEqual(await statesOf(again.page), statesIn(webData));
  assert.equal(await again.page.locator('.page').count(), 1);
  await again.done();
});

test('print shows all that is open, without what only works on a screen', async () => {
  const { page, done } = await open(browser, webPage);
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.question').isVisible(), false);
  assert.equal(await page.locator('.legend').isVisible(), true);
  // Nothing is cut off; the curves follow the new layout a frame later.
  await page.waitForFunction(() => {
    const boards = document.querySelector('.boards');
    return boards.scrollHeight <= boards.clientHeight + 1;
  });
  assert.ok((await page.pdf({ landscape: true })).length > 10_000);
  await page.screenshot({ path: join(shots, 'print.png'), fullPage: true });
  await done();
});

test('the SVG is a picture that browsers take, in both schemes', async () => {
  for (const [name, args] of [['plan', ['plan', '--changed', 'src/app.ts']], ['graph', ['graph']]]) {
    const file = join(dirs.web, `${name}.svg`);
    run(dirs.web, [...args, '--format', 'svg', '-o', file]);
    for (const colorScheme of ['light', 'dark']) {
      const { page, done } = await open(browser, pathToFileURL(file).href, { colorScheme, viewport: { width: 1500, height: 760 } });
      assert.equal(await page.evaluate(() => document.documentElement.nodeName), 'svg');
      const size = await page.evaluate(() => {
        const box = document.documentElement.getBBox();
        return [box.x + box.width <= document.documentElement.width.baseVal.value, box.y + box.height <= document.documentElement.height.baseVal.value];
      });
      assert.deepEqual(size, [true, true], 'it is as large as what is in it');
      const long = await page.evaluate(() => [...document.querySelectorAll('text.mono:not(.end)')].filter((t) => t.getBBox().width > 356).length);
      assert.equal(long, 0, 'no text leaves its lane');
      await page.screenshot({ path: join(shots, `svg-${name}-${colorScheme}.png`) });
      await done();
    }
  }
});

test('Mermaid understands the flowcharts', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.setContent('<div id="m"></div>');
  await page.addScriptTag({ path: fileURLToPath(new URL('node_modules/mermaid/dist/mermaid.min.js', import.meta.url)) });
  const hostile = project({ Dockerfile: 'FROM alpine AS a\nRUN echo "a" `b` <c> #d; end [x]{y}|z| & -->\\\n  more\nLABEL "x"=";"\nRUN %%{init: {}}%% 日本\n' });
  for (const [dir, args, nodes] of [
    [dirs.web, ['plan', '--changed', 'src/app.ts'], 26],
    [dirs.web, ['graph'], 26],
    [hostile, ['graph'], 4],
    [dirs.many, ['plan', '--changed', 'shared/util.go'], null],
  ]) {
    const text = run(dir, [...args, '--format', 'mermaid']);
    const drawn = await page.evaluate(async ([source, draw]) => {
      window.mermaid.initialize({ startOnLoad: false, maxEdges: 5000, maxTextSize: 1e6 });
      const type = (await window.mermaid.parse(source)).diagramType;
      if (!draw) return { type };
      const { svg } = await window.mermaid.render('g', source);
      document.querySelector('#m').innerHTML = svg;
      return { type, nodes: document.querySelectorAll('#m .node').length, text: document.querySelector('#m').textContent };
    }, [text, nodes !== null]);
    assert.match(drawn.type, /flowchart/);
    if (nodes !== null) assert.equal(drawn.nodes, nodes);
    if (dir === hostile) assert.ok(drawn.text.includes('RUN echo "a" `b` <c> #d; end [x]{y}|z| & -->'), drawn.text);
  }
  await context.close();
});
