import assert from 'node:assert/strict';
import { test } from 'node:test';

import { plainText } from './plain-text.ts';

test('what steers a terminal or turns text around becomes visible; text, lines, tabs and colours stay', () => {
  assert.equal(
    plainText('a\u001B[2Jb\u001B]0;title\u0007c\rd\u0008\u009Be\u202Ef'),
    'a\uFFFD[2Jb\uFFFD]0;title\uFFFDc\uFFFDd\uFFFD\uFFFDe\uFFFDf',
  );
  const fit = 'ü 漢 −0.1 [x]\n\tline \u001B[31mred\u001B[0m';
  assert.equal(plainText(fit), fit);
});
