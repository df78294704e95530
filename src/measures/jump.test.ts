import assert from 'node:assert/strict';
import { test } from 'node:test';

import { jump } from './jump.ts';

const ROUNDING = 1e-9;

function close(found: number | undefined, expected: number): void {
  assert.ok(Math.abs((found ?? Number.NaN) - expected) < ROUNDING, `${found}, not ${expected}`);
}

test('a straight line has sharpness 1 and its position in the middle, rising or falling', () => {
  for (const sign of [1, -1]) {
    const found = jump([0, 1, 2, 3, 4].map((at) => ({ at: 10 + 5 * at, value: 7 + sign * at })));
    close(found?.sharpness, 1);
    close(found?.position, 20);
    close(found?.from, 12);
    close(found?.to, 28);
    close(found?.size, 4 * sign);
  }
});

test('a sigmoid that passes 10-90% in a tenth of the steps is eight times as sharp as a line, and its position is its middle', () => {
  // A logistic curve takes 2 ln 9 / k from 10 to 90%.
  const k = (2 * Math.log(9)) / 100;
  const found = jump(Array.from({ length: 1001 }, (_, at) => ({ at, value: 1 / (1 + Math.exp(-k * (at - 300))) })));
  assert.ok(Math.abs((found?.position ?? 0) - 300) < 0.01);
  assert.ok(Math.abs((found?.sharpness ?? 0) - 8) < 0.01, `${found?.sharpness}`);
});

test('an early excursion is no jump: the last passage before 90% counts, and what follows 90% does not', () => {
  const values = [0, 0.6, 0, 0, 0, 1.2, 0.2, 1];
  const found = jump(values.map((value, at) => ({ at, value })));
  close(found?.position, 4 + 0.5 / 1.2);
  close(found?.from, 4 + 0.1 / 1.2);
  close(found?.to, 4 + 0.9 / 1.2);
});

test('where nothing changes nothing jumps, and broken points are refused by place', () => {
  assert.equal(
    jump([
      { at: 0, value: 1 },
      { at: 1, value: 1 },
    ]),
    undefined,
  );
  assert.throws(() => jump([{ at: 0, value: 1 }]), /1 points\. Expected two/);
  const twice = [0, 1, 1].map((at) => ({ at, value: at }));
  assert.throws(() => jump(twice), /value 1 at 1 \(point 2\)/);
  assert.throws(() => jump([...twice.slice(0, 2), { at: 2, value: Number.NaN }]), /value NaN at 2/);
});
