// node drive.mjs MODULES CHROMIUM: headless Chromium; a line of JSON in, {"do": NAME, ...}, gives a line of JSON out. `did` has the
// names. What the page said as errors, and where it sent requests, comes with each answer.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)('playwright-core'); // ES modules do not look at NODE_PATH
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, 'utf8');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu-sandbox'] });
const said = [];
const hosts = new Set();
let context, page;
let others = []; // pages that this one opened
let chosen = null; // who waits for the page to ask for a file

// Nobody's cookies: a new visitor.
async function visit({ url, width, height, touch = false }) {
  await context?.close();
  context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: 1, reducedMotion: 'reduce', hasTouch: touch, isMobile: touch, acceptDownloads: true });
  page = await context.newPage();
  others = [];
  context.on('page', (other) => others.push(other));
  page.setDefaultTimeout(15000);
  page.on('console', (m) => m.type() === 'error' && said.push(m.text()));
  page.on('pageerror', (e) => said.push(e.stack));
  page.on('request', (r) => { if (!r.url().startsWith('blob:')) hosts.add(new URL(r.url()).host); });
  page.on('filechooser', (chooser) => chosen?.(chooser)); // from the start: what a key asks for can come before one that is asked for with it
  await page.goto(url);
}

const did = {
  visit,
  size: ({ width, height }) => page.setViewportSize({ width, height }),
  reload: () => page.reload(),
  go: ({ hash }) => page.evaluate((to) => { location.hash = to; }, hash),
  focus: ({ selector }) => page.focus(selector),
  fill: ({ selector, text }) => page.fill(selector, text),
  click: ({ selector }) => page.click(selector),
  // The file that the page asks for when this key is pressed.
  choose: async ({ key, paths }) => {
    const asked = new Promise((resolve, reject) => {
      chosen = resolve;
      setTimeout(() => reject(new Error('the page asked for no file')), 30000).unref();
    });
    await page.keyboard.press(key);
    await (await asked).setFiles(paths);
  },
  // Files dropped on the element as a hand does it: the browser's own events, and its own DataTransfer.
  drop: async ({ selector, paths }) => {
    const { x, y, width, height } = await page.locator(selector).boundingBox();
    const hand = await context.newCDPSession(page);
    const at = { x: x + width / 2, y: y + height / 2, data: { items: [], files: paths, dragOperationsMask: 1 } };
    for (const type of ['dragEnter', 'dragOver', 'drop']) await hand.send('Input.dispatchDragEvent', { type, ...at });
    await hand.detach();
  },
  press: async ({ keys }) => { for (const key of keys) await page.keyboard.press(key); },
  mouse: ({ x, y }) => page.mouse.move(x, y),
  // From one place to another with a button held, and with a key where one is named.
  drag: async ({ from, to, button = 'left', key }) => {
    await page.mouse.move(...from);
    if (key) await page.keyboard.down(key);
    await page.mouse.down({ button });
    await page.mouse.move(...to, { steps: 5 });
    await page.mouse.up({ button });
    if (key) await page.keyboard.up(key);
  },
  // Fingers from step to step: each step has a place [x, y] of every finger; at the end all are lifted.
  fingers: async ({ steps }) => {
    const hand = await context.newCDPSession(page);
    for (const [i, places] of steps.entries()) {
      await hand.send('Input.dispatchTouchEvent', { type: i ? 'touchMove' : 'touchStart', touchPoints: places.map(([x, y], id) => ({ x, y, id })) });
    }
    await hand.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await hand.detach();
  },
  wheel: async ({ x, y, by }) => {
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, by);
  },
  // The wheel `steps` times, `by` each, as fast as the page takes them; milliseconds of each frame meanwhile.
  scroll: async ({ x, y, by, steps }) => {
    await page.mouse.move(x, y);
    await page.evaluate(() => {
      globalThis.frames_ = [];
      const each = (at) => { globalThis.frames_?.push(at); if (globalThis.frames_) requestAnimationFrame(each); };
      requestAnimationFrame(each);
    });
    for (let i = 0; i < steps; i++) await page.mouse.wheel(0, by);
    return page.evaluate(() => {
      const at = globalThis.frames_;
      globalThis.frames_ = null;
      return at.slice(1).map((t, i) => t - at[i]);
    });
  },
  doubleClick: ({ x, y }) => page.mouse.dblclick(x, y),
  // An expression in the page, once or until it is true.
  see: ({ expression }) => page.evaluate(expression),
  // By the debugger: the page's policy lets no test look for itself.
  until: async ({ expression, seconds }) => {
    for (const end = Date.now() + seconds * 1000; ;) {
      const value = await page.evaluate(expression).catch(() => null); // a page that is being loaded
      if (value) return value;
      if (Date.now() > end) throw new Error(`not within ${seconds} s`);
      await new Promise((done) => setTimeout(done, 50));
    }
  },
  // The page that this one has opened: where it is and whether it knows who opened it. It is closed.
  opened: async ({ seconds }) => {
    for (const end = Date.now() + seconds * 1000; others.length === 0;) {
      if (Date.now() > end) throw new Error('no page was opened');
      await new Promise((done) => setTimeout(done, 20));
    }
    const other = others.shift();
    await other.waitForURL((url) => url.href !== 'about:blank');
    const found = { url: other.url(), opener: await other.evaluate(() => globalThis.opener !== null) };
    await other.close();
    return found;
  },
  // What the browser keeps of a file that it is given: the name that it suggests.
  download: async ({ selector, path }) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
    await file.saveAs(path);
    return file.suggestedFilename();
  },
  screenshot: ({ path }) => page.screenshot({ path }),
  // Violations in words. The page's policy lets no script in; the debugger does.
  axe: async () => {
    await page.evaluate(axe);
    return page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
      return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`));
    });
  },
};

try {
  console.log(JSON.stringify({ browser: browser.version() }));
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    const report = {};
    try {
      report.answer = (await did[asked.do](asked)) ?? null;
    } catch (error) {
      report.error = String(error);
    }
    console.log(JSON.stringify({ ...report, said: said.splice(0), hosts: [...hosts] }));
  }
} finally {
  await browser.close();
}
