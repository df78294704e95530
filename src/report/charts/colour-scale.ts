/**
 * Colours for numbers: straight lines in OKLab, so that equal steps of the number look equally large (Ottosson 2020,
 * https://bottosson.github.io/posts/oklab/). Sequential from pale to dark blue; diverging from blue over near white to
 * orange, both ends equally dark, so that the sign survives print as which side of white a legend's end is on.
 */

type Lab = readonly [l: number, a: number, b: number];

/** Which way a scale reads: from low to high, or around zero. */
export type ColourScaleKind = 'sequential' | 'diverging';

const PALE: Lab = oklabOf('#f1f5fa');
const DARK_BLUE: Lab = oklabOf('#0b3a66');
const BLUE: Lab = polar(0.5, 0.12, 250);
const NEAR_WHITE: Lab = oklabOf('#f7f6f3');
const ORANGE: Lab = polar(0.5, 0.12, 45);

/** A colour by lightness, chroma and hue; these lie inside sRGB. */
function polar(lightness: number, chroma: number, hueDegrees: number): Lab {
  const hue = (hueDegrees * Math.PI) / 180;
  return [lightness, chroma * Math.cos(hue), chroma * Math.sin(hue)];
}

/** The colour of a number as `#rrggbb`. @param share Position in [0, 1] from the domain's start; 0.5 is zero where diverging. */
export function colourAt(kind: ColourScaleKind, share: number): string {
  const t = Math.min(1, Math.max(0, share));
  if (kind === 'sequential') return hexOf(between(PALE, DARK_BLUE, t));
  return hexOf(t < 0.5 ? between(NEAR_WHITE, BLUE, 1 - 2 * t) : between(NEAR_WHITE, ORANGE, 2 * t - 1));
}

/** Black or white, whichever stands out more from a colour `#rrggbb` (WCAG 2.2 contrast). */
export function inkOn(colour: string): '#000' | '#fff' {
  const [r, g, b] = linearOf(colour);
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? '#000' : '#fff';
}

function between(from: Lab, to: Lab, t: number): Lab {
  return [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), from[2] + t * (to[2] - from[2])];
}

/** Red, green and blue of `#rrggbb` in linear light. */
function linearOf(colour: string): readonly [r: number, g: number, b: number] {
  const channel = (at: number): number => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function oklabOf(colour: string): Lab {
  const [r, g, b] = linearOf(colour);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function hexOf([lightness, a, b]: Lab): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const hex = linear.map((value) => {
    const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, encoded)))
      .toString(16)
      .padStart(2, '0');
  });
  return `#${hex.join('')}`;
}
