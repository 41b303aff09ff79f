// node drive.mjs MODULES URL CHROMIUM: loads the viewer's page in headless Chromium; then a line of JSON in ({"call", "arguments"} of
// window.viewer, or {"screenshot": FILE}) gives a line of JSON out.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [modules, url, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)('playwright-core'); // ES modules do not look at NODE_PATH
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
    '--force-color-profile=srgb'],
});
const page = await browser.newPage({ viewport: { width: 2048, height: 1536 }, deviceScaleFactor: 1 });
const said = [];
page.on('console', (m) => ['error', 'warning'].includes(m.type()) && said.push(m.text()));
page.on('pageerror', (e) => said.push(String(e)));

async function answer({ call, arguments: values, screenshot }) {
  if (screenshot) {
    await page.locator('#view').screenshot({ path: screenshot });
    return null;
  }
  return page.evaluate(([name, list]) => window.viewer[name](...list), [call, values ?? []]);
}

try {
  await page.goto(url);
  await page.waitForFunction(() => window.viewer);
  await answer({ call: 'start' });
  console.log(JSON.stringify({ browser: browser.version() }));
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      console.log(JSON.stringify({ answer: await answer(JSON.parse(line)), said: said.splice(0) }));
    } catch (e) {
      console.log(JSON.stringify({ error: String(e), said: said.splice(0) }));
    }
  }
} finally {
  await browser.close();
}
