// How long the page takes in real Chromium: `LAYERWISE=... node tests/visualizer/measure.mjs`. The middle one of five runs,
// in milliseconds; figures, not a test.
import { launch } from './browser.mjs';
import { SMALL, dataOf, manyStages, priced, project, run, save, withData } from './projects.mjs';

const browser = await launch();
for (const [name, files, changed] of [
  ['1 stage, 5 steps', SMALL, 'src/index.js'],
  ['40 stages, 400 steps, one service rebuilds', manyStages(), 'services/service-07/main.go'],
  ['40 stages, 400 steps, nearly all rebuild', manyStages(), 'shared/util.go'],
]) {
  const dir = project(files);
  const html = run(dir, ['plan', '--changed', changed, '--format', 'html']);
  const url = save(dir, withData(html, priced(dataOf(html))));
  const runs = [];
  for (let n = 0; n < 5; n += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
    runs.push(await page.evaluate(() => {
      const each = (list, act) => {
        const start = performance.now();
        for (const one of list) {
          act(one);
          document.body.getBoundingClientRect();
        }
        return (performance.now() - start) / list.length;
      };
      const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
      const steps = [...document.querySelectorAll('.step')];
      const hover = each(steps, (step) => step.dispatchEvent(new PointerEvent('pointerover', { bubbles: true })));
      const question = document.querySelector('#question');
      const typed = each(['s', 'sr', 'src', 'src/', 'shared', 'shared/util.go', ''], (text) => {
        question.value = text;
        question.dispatchEvent(new InputEvent('input', { bubbles: true }));
      });
      return { paint, hover, typed, elements: document.querySelectorAll('*').length };
    }));
    await context.close();
  }
  const middle = (key) => runs.map((r) => r[key]).sort((a, b) => a - b)[2];
  console.log(`${name}: first paint ${middle('paint').toFixed(0)}, hover ${middle('hover').toFixed(1)}, one letter of a question ${middle('typed').toFixed(1)}; ${middle('elements')} elements, ${(html.length / 1000).toFixed(0)} kB`);
}
await browser.close();
