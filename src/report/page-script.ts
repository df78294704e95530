/**
 * The page's one script: which run the pointer is at (arm, seed, rate, step), and arms that can be switched off. It asks
 * for nothing and holds no data of its own; without it everything is still there (lines carry titles).
 * Plain JavaScript as text, since it runs in the reader's browser; the page's policy allows it by its hash alone.
 */
import { createHash } from 'node:crypto';

/** Points further away than this, in chart units, are not meant. */
const NEAR = 18;

export const PAGE_SCRIPT = `'use strict';
(() => {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  for (const item of document.querySelectorAll('.legend li[data-series]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = 'Show or hide this arm';
    button.setAttribute('aria-pressed', 'true');
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener('click', () => {
      const isOff = button.getAttribute('aria-pressed') === 'true';
      button.setAttribute('aria-pressed', String(!isOff));
      const lines = item.closest('figure').querySelectorAll('g[data-series="' + item.dataset.series + '"]');
      for (const line of lines) line.classList.toggle('off', isOff);
    });
  }
  const linesOf = (chart) => [...chart.querySelectorAll('path[data-steps]')].map((path) => {
    const title = path.querySelector('title');
    const label = title.textContent;
    title.remove();
    const numbers = (path.getAttribute('d').match(/-?[0-9.]+/g) ?? []).map(Number);
    return { path, label, numbers, steps: path.dataset.steps.split(' ') };
  });
  const nearest = (lines, at) => {
    let best = { distance: ${NEAR} };
    for (const line of lines) {
      if (line.path.closest('.off')) continue;
      for (let i = 0; i + 1 < line.numbers.length; i += 2) {
        const distance = Math.hypot(line.numbers[i] - at.x, line.numbers[i + 1] - at.y);
        if (distance < best.distance) best = { distance, line, step: line.steps[i / 2] };
      }
    }
    return best;
  };
  for (const chart of document.querySelectorAll('svg.chart')) {
    if (!chart.querySelector('path[data-steps]')) continue;
    let lines;
    let hot;
    const leave = () => {
      hot?.classList.remove('hot');
      hot = undefined;
      tip.hidden = true;
    };
    chart.addEventListener('pointerleave', leave);
    chart.addEventListener('pointermove', (event) => {
      lines ??= linesOf(chart);
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      const { line, step } = nearest(lines, at);
      leave();
      if (line === undefined) return;
      hot = line.path;
      hot.classList.add('hot');
      tip.textContent = line.label + ', step ' + step;
      tip.hidden = false;
      const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = Math.max(8, Math.min(event.clientX + 14, right)) + window.scrollX + 'px';
      tip.style.top = event.clientY + 18 + window.scrollY + 'px';
    });
  }
})();
`;

/** What a content security policy calls this script. */
export const SCRIPT_SOURCE = `'sha256-${createHash('sha256').update(PAGE_SCRIPT).digest('base64')}'`;
