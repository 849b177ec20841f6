// Real Chromium, and what no page may do in it.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** Where the screenshots go. */
export const shots = fileURLToPath(new URL('../../target/visualizer/', import.meta.url));
mkdirSync(shots, { recursive: true });

/** Starts the browser that CHROMIUM names. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--font-render-hinting=none',
    ],
  });
}

/**
 * Opens a page and watches it: an error, a message on the console (a violation of the policy is one) or any request but
 * that for the page itself fails the test, at `done()`.
 * @param {import('playwright-core').Browser} browser @param {string} url @param {any} [options]
 */
export async function open(browser, url, { host = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const wrong = [];
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error.stack ?? error}`));
  page.on('request', (request) => {
    if (request.url() !== url) wrong.push(`request: ${request.url()}`);
  });
  await page.addInitScript((withHost) => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    if (withHost) {
      window.posted = [];
      window.acquireVsCodeApi = () => ({ postMessage: (message) => window.posted.push(message) });
    }
  }, host);
  await page.goto(url);
  const done = async () => {
    assert.deepEqual(await page.evaluate(() => window.violations), [], 'violations of the content security policy');
    assert.deepEqual(wrong, [], 'what no page may do');
    await context.close();
  };
  return { page, done };
}
