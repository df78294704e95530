/** The report in a real browser, and as the command line writes it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { type Browser, chromium, type Page } from 'playwright-core';

import { renderReport } from '#report/report.ts';
import { claimsFixture } from '#report/claims-fixture.ts';
import { reportFixture } from '#report/report-fixture.ts';
import { scoreFixture } from '#report/score/score-fixture.ts';
import { renderScorePage } from '#report/score/score-page.ts';

import { assay, newFolder, TOY } from './command.ts';

const FOLDER = newFolder('page');
const STORE = join(FOLDER, 'store');
/** Where the toy's report goes: its settings are not the study's own. */
let toyPage = '';
const FIXTURE_PAGE = join(FOLDER, 'fixture.html');
const CLAIMS_PAGE = join(FOLDER, 'claims.html');
const SCORE_PAGE = join(FOLDER, 'score.html');

const CANDIDATES = [
  process.env['CHROME_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = CANDIDATES.find((path) => path !== '' && existsSync(path));
const skip =
  executablePath === undefined ? 'no Chromium or Chrome found; set CHROME_PATH to its program to run this test' : false;
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The browser's own services are looked for nowhere: pages under test are files.
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider',
  '--disable-default-apps',
  '--disable-client-side-phishing-detection',
];

let browser: Browser | undefined;

before(async () => {
  const { status, stdout, stderr } = await assay('run', TOY, '--store', STORE, '--workers', '1', '--set', 'spins=10');
  assert.equal(status, 0, stderr);
  toyPage = /^report: (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout);
  writeFileSync(FIXTURE_PAGE, renderReport(reportFixture()).html);
  writeFileSync(CLAIMS_PAGE, renderReport(claimsFixture()).html);
  writeFileSync(SCORE_PAGE, renderScorePage(await scoreFixture()).html);
  if (executablePath !== undefined) browser = await chromium.launch({ executablePath, args: ARGS });
});

after(async () => {
  await browser?.close();
  rmSync(FOLDER, { recursive: true });
});

/** Opens a page that remembers every request, console message and error. */
async function opened(file: string, width: number): Promise<{ page: Page; seen: string[] }> {
  assert.ok(browser);
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const seen: string[] = [];
  page.on('request', (request) => void seen.push(`request ${request.url()}`));
  page.on('console', (message) => void seen.push(`console ${message.text()}`));
  page.on('pageerror', (error) => void seen.push(`error ${error.message}`));
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  return { page, seen };
}

for (const [name, fileOf] of [
  ['toy study', () => toyPage],
  ['large study', () => FIXTURE_PAGE],
  ['study of claims and maps', () => CLAIMS_PAGE],
  ['scoring of transcripts', () => SCORE_PAGE],
] as const) {
  test(`the page of a ${name} loads nothing but itself and says nothing on the console`, { skip }, async () => {
    const { page, seen } = await opened(fileOf(), 1280);
    assert.deepEqual(
      seen.filter((line) => !line.startsWith('request data:')),
      [`request ${pathToFileURL(fileOf()).href}`],
    );
    await page.close();
  });

  for (const width of [375, 1280]) {
    test(`the page of a ${name} is never wider than a window of ${width} px`, { skip }, async () => {
      const { page } = await opened(fileOf(), width);
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
      await page.close();
    });
  }
}

test('the first two panels stand side by side on a desk and under each other on a phone', { skip }, async () => {
  for (const [width, isSideBySide] of [
    [1280, true],
    [375, false],
  ] as const) {
    const { page } = await opened(FIXTURE_PAGE, width);
    const panels = page.locator('#behaviour-0 svg.chart');
    assert.equal(await panels.count(), 2);
    const [first, second] = [await panels.nth(0).boundingBox(), await panels.nth(1).boundingBox()];
    assert.ok(first && second);
    assert.equal(first.y === second.y && second.x >= first.x + first.width, isSideBySide);
    assert.equal(first.width, second.width);
    await page.close();
  }
});

/** Labels of one chart may touch, not overlap by more than a hairline. */
const OVERLAP_PX = 1;

test('no two tick labels of a chart overlap, on a desk and on a phone', { skip }, async () => {
  for (const [file, width] of [
    [FIXTURE_PAGE, 1280],
    [FIXTURE_PAGE, 375],
    [CLAIMS_PAGE, 1280],
    [CLAIMS_PAGE, 375],
  ] as const) {
    const { page } = await opened(file, width);
    const overlaps = await page.evaluate<string[]>(`[...document.querySelectorAll('svg.chart')].flatMap((chart) => {
      const boxes = [...chart.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
      return boxes.flatMap(([a, first], i) => boxes.slice(i + 1).flatMap(([b, second]) => {
        const x = Math.min(first.right, second.right) - Math.max(first.left, second.left);
        const y = Math.min(first.bottom, second.bottom) - Math.max(first.top, second.top);
        return x > ${OVERLAP_PX} && y > 0.5 * Math.min(first.height, second.height) ? [chart.classList + ': ' + a + ' / ' + b] : [];
      }));
    })`);
    assert.deepEqual([...new Set(overlaps)], []);
    await page.close();
  }
});

test(
  'no text of a chart reaches out of its chart on a phone, and numbers of a map stay in their cells',
  { skip },
  async () => {
    for (const width of [1280, 375]) {
      const { page } = await opened(CLAIMS_PAGE, width);
      const outside = await page.evaluate<string[]>(`[...document.querySelectorAll('svg.chart')].flatMap((chart) => {
      const frame = chart.getBoundingClientRect();
      return [...chart.querySelectorAll('text')].flatMap((text) => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - ${OVERLAP_PX} || box.right > frame.right + ${OVERLAP_PX} ? [chart.classList + ': ' + text.textContent] : [];
      });
    })`);
      assert.deepEqual(outside, []);
      const spilled = await page.evaluate<string[]>(`[...document.querySelectorAll('svg.phase')].flatMap((chart) => {
      const cell = chart.querySelector('rect.cell').getBoundingClientRect();
      return [...chart.querySelectorAll('text.cell-number')].filter((text) => text.getBoundingClientRect().width > cell.width + ${OVERLAP_PX}).map((text) => text.textContent);
    })`);
      assert.deepEqual(spilled, []);
      await page.close();
    }
  },
);

test('run writes the page with the question, the verdict and the command, and its data files; report writes the same bytes', async () => {
  const html = readFileSync(toyPage, 'utf8');
  assert.match(html, /Does the runner give the same answer however it is interrupted\?/);
  assert.match(html, /Behaviour, Low rank vs Plain: <b>undecided<\/b>/);
  assert.match(html, /assay run \S+toy\/study\.ts --profile quick --seeds 3 --set spins=10</);
  for (const [, name] of html.matchAll(/href="([\w-]+\.csv)"/g)) assert.ok(existsSync(join(toyPage, '..', name ?? '')));
  const again = join(FOLDER, 'again');
  const { status, stdout } = await assay('report', TOY, '--store', STORE, '--out', again);
  assert.equal(status, 0);
  assert.match(stdout, /^low-rank vs plain, behaviour \(delta 0\.2\): undecided$/m);
  assert.match(stdout, /^report: .*again\/report\.html$/m);
  assert.equal(readFileSync(join(again, 'report.html'), 'utf8'), html);
});

test('a failed control ends a run with status 3, a warning first and a banner on the page', async () => {
  const study = join(FOLDER, 'study.ts');
  writeFileSync(
    study,
    `import toy from ${JSON.stringify(pathToFileURL(TOY).href)};
    const contrasts = [{ kind: 'control', arm: 'again', reference: 'plain', name: 'same bits', expect: 'identical' }];
    export default { ...toy, name: 'wrong', contrasts };\n`,
  );
  const { status, stdout } = await assay(
    'run',
    study,
    '--store',
    STORE,
    '--workers',
    '1',
    '--set',
    'spins=10',
    '--json',
  );
  assert.equal(status, 3);
  const line: { controls: { passed: boolean }[]; report: string } = JSON.parse(stdout);
  assert.equal(line.controls[0]?.passed, false);
  assert.match(readFileSync(line.report, 'utf8'), /class="banner".*same bits/s);
});
