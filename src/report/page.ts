/** The shell of every page: one self-contained document with the style sheet, one small script it can do without, and no request. */
import { type Markup, markup, trusted } from './markup.ts';
import { PAGE_SCRIPT, SCRIPT_SOURCE } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** Enforced by the browser: nothing is loaded, and nothing runs but the page's own script. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${SCRIPT_SOURCE}`;

/** A page of sections; those that are absent leave nothing. */
export function page(title: string, sections: readonly (Markup | undefined)[]): Markup {
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}"><link rel="icon" href="data:,"><title>${title}</title><style>${trusted(PAGE_STYLE)}</style></head>
<body><main>${sections.map((section) => markup`${section}\n`)}</main><script>${trusted(PAGE_SCRIPT)}</script></body></html>
`;
}
