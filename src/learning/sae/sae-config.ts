/**
 * What a sparse autoencoder is, as plain data: how codes are chosen, how they are computed and what is decoded from them.
 * Axes: B rows of activations, D = dIn, F = dSae features (of all slots together), S slots.
 * @see Bricken et al. 2023 (standard); arXiv:2404.16014 (gated); arXiv:2406.04093 (top-k); arXiv:2412.06410 (batch-top-k);
 * arXiv:2407.14435 (JumpReLU); arXiv:2503.17547 (matryoshka).
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { checkWhole } from '#base/whole-number.ts';

/** How codes are chosen from `hiddenPre`; each with the constants of its sparsity. */
export type SaeActivation =
  /** max(hiddenPre, 0), with `l1` times the codes' sum (each code times its feature's length) in the loss. */
  | { readonly kind: 'relu'; readonly l1: number }
  /** A gate that chooses and a magnitude that says how much; `l1` acts on the gate. */
  | { readonly kind: 'gated'; readonly l1: number }
  /** The k largest of each row, where they are positive. */
  | { readonly kind: 'topK'; readonly k: number }
  /** The k largest of each row by size, with their signs. @see arXiv:2510.00404 (AbsTopK). */
  | { readonly kind: 'absTopK'; readonly k: number }
  /**
   * The B k largest of a batch, where they are positive; when it is read, what lies above the mean of the batches' smallest
   * chosen code (a moving mean of rate 0.01, as SAELens).
   */
  | { readonly kind: 'batchTopK'; readonly k: number }
  /** hiddenPre where it lies above its feature's threshold; `l0` times the number of codes in the loss, by rectangles of `bandwidth`. */
  | {
      readonly kind: 'jumpRelu';
      readonly l0: number;
      readonly bandwidth: number;
      /** Where thresholds start. */
      readonly threshold: number;
    };

/** How `hiddenPre` is computed from centred activations y. */
export type SaeEncoder =
  /** y wEnc^T + bEnc, wEnc starting as the dictionary. */
  | { readonly kind: 'untied' }
  /** y D^T + bEnc with the dictionary D itself. */
  | { readonly kind: 'tied' }
  /**
   * Iterative hard thresholding: z <- TopK(z + stepSize (y - z D) D^T), `steps` times from TopK(y D^T). Only with top-k; no bias.
   * With the default stepSize, 1, many steps diverge on a dictionary whose features lie close to each other; 0.5 mostly does not.
   * @see Blumensath & Davies 2009, doi:10.1016/j.acha.2009.04.002.
   */
  | { readonly kind: 'thresholding'; readonly steps: number; readonly stepSize?: number };

/** How a map between slots starts. */
export type SlotMapStart = 'orthonormal' | 'identity' | 'random';

/** What codes are decoded with. */
export type SaeDecoder =
  /** dSae features of their own. */
  | { readonly kind: 'free' }
  /**
   * The dictionary is [A, A M2^T, ..., A MS^T]: dSae / slots base features (the rows of A), and for each further slot one map
   * M, shape [D, D], that carries every base feature there: feature i of slot s is M_s a_i.
   */
  | { readonly kind: 'slots'; readonly slots: number; readonly maps: SlotMapStart };

/** What happens to features that no longer fire. */
export type DeadFeatures =
  /**
   * An auxiliary loss: the `k` largest codes among dead features reconstruct what is left of y, at `weight` times their mean
   * squared error, times min(dead / k, 1). @see Gao et al. 2024, arXiv:2406.04093, A.2; SAELens's form.
   */
  | { readonly kind: 'auxiliary'; readonly afterRows: number; readonly k: number; readonly weight: number }
  /**
   * Every `every` steps dead features start over along rows that are reconstructed badly, drawn with probability in
   * proportion to their squared error squared; their encoder starts at 0.2 of the mean length of the others'. Optimizer moments
   * are left: those of a feature without gradients have decayed. @see Bricken et al. 2023, "Neuron resampling".
   */
  | { readonly kind: 'resample'; readonly afterRows: number; readonly every: number; readonly seed: number };

export interface SaeConfig {
  /** D: the width of what is reconstructed. */
  readonly dIn: number;
  /** F: features of all slots together. */
  readonly dSae: number;
  readonly activation: SaeActivation;
  /** Default: untied. */
  readonly encoder?: SaeEncoder;
  /** Default: free. */
  readonly decoder?: SaeDecoder;
  /**
   * `unit` (default): features have length 1 after every step, and the gradient along a feature is taken out before it;
   * images of base features in further slots are scaled to length 1, so that maps are determined up to their scale.
   * `free`: features may have any length, and L1 counts a code times its feature's length.
   */
  readonly decoderNorm?: 'unit' | 'free';
  /** What is taken from x and added back: nothing, the mean of the data, or `bDec` trained from there (default). */
  readonly centre?: 'none' | 'mean' | 'learned';
  /** Matryoshka: the first so many features must reconstruct alone too, rising, the last of them dSae. */
  readonly prefixes?: readonly number[];
  /** Default: nothing happens. */
  readonly deadFeatures?: DeadFeatures;
}

/** A config with its defaults filled in. */
export interface WholeSaeConfig extends SaeConfig {
  readonly encoder: SaeEncoder;
  readonly decoder: SaeDecoder;
  readonly decoderNorm: 'unit' | 'free';
  readonly centre: 'none' | 'mean' | 'learned';
}

const KEYS = {
  dIn: true,
  dSae: true,
  activation: true,
  encoder: true,
  decoder: true,
  decoderNorm: true,
  centre: true,
  prefixes: true,
  deadFeatures: true,
} as const satisfies Record<keyof SaeConfig, true>;

/** The kinds of each part, and the keys each kind has beside `kind`. */
const KINDS = {
  activation: {
    relu: ['l1'],
    gated: ['l1'],
    topK: ['k'],
    absTopK: ['k'],
    batchTopK: ['k'],
    jumpRelu: ['l0', 'bandwidth', 'threshold'],
  } satisfies Record<SaeActivation['kind'], readonly string[]>,
  encoder: {
    untied: [],
    tied: [],
    thresholding: ['steps', 'stepSize'],
  } satisfies Record<SaeEncoder['kind'], readonly string[]>,
  decoder: {
    free: [],
    slots: ['slots', 'maps'],
  } satisfies Record<SaeDecoder['kind'], readonly string[]>,
  deadFeatures: {
    auxiliary: ['afterRows', 'k', 'weight'],
    resample: ['afterRows', 'every', 'seed'],
  } satisfies Record<DeadFeatures['kind'], readonly string[]>,
};

const NORMS = { unit: true, free: true } satisfies Record<NonNullable<SaeConfig['decoderNorm']>, true>;
const CENTRES = { none: true, mean: true, learned: true } satisfies Record<NonNullable<SaeConfig['centre']>, true>;
const MAPS = { orthonormal: true, identity: true, random: true } satisfies Record<SlotMapStart, true>;

/** Fills in defaults. @throws AssayError on unknown words, sizes out of range and parts that do not go together, naming them. */
export function wholeSaeConfig(config: SaeConfig): WholeSaeConfig {
  checkShape(config);
  const whole: WholeSaeConfig = {
    ...config,
    encoder: config.encoder ?? { kind: 'untied' },
    decoder: config.decoder ?? { kind: 'free' },
    decoderNorm: config.decoderNorm ?? 'unit',
    centre: config.centre ?? 'learned',
  };
  checkCount('dIn', whole.dIn, Infinity);
  checkCount('dSae', whole.dSae, Infinity);
  checkActivation(whole);
  checkDecoder(whole);
  checkPrefixes(whole);
  checkDead(whole);
  return whole;
}

/** Base features: the rows of A. */
export function baseFeatures({ dSae, decoder }: WholeSaeConfig): number {
  return decoder.kind === 'slots' ? dSae / decoder.slots : dSae;
}

/**
 * Refuses a key, a kind or a word that there is not. Types say so too, but not of configs from files or plain JavaScript, where a
 * misspelt kind would train another autoencoder than was asked for.
 */
function checkShape(config: SaeConfig): void {
  checkKeys('a key', config, Object.keys(KEYS));
  checkPart('activation', config.activation, KINDS.activation);
  if (config.encoder !== undefined) checkPart('encoder', config.encoder, KINDS.encoder);
  if (config.decoder !== undefined) checkPart('decoder', config.decoder, KINDS.decoder);
  if (config.deadFeatures !== undefined) checkPart('deadFeatures', config.deadFeatures, KINDS.deadFeatures);
  if (config.decoderNorm !== undefined) checkWord('decoderNorm', config.decoderNorm, Object.keys(NORMS));
  if (config.centre !== undefined) checkWord('centre', config.centre, Object.keys(CENTRES));
  if (config.decoder?.kind === 'slots') checkWord('decoder.maps', config.decoder.maps, Object.keys(MAPS));
}

function checkPart(name: string, part: unknown, kinds: Readonly<Record<string, readonly string[]>>): void {
  if (typeof part !== 'object' || part === null) throw refusal(name, '{ kind, ... }', textOf(part));
  const kind: unknown = 'kind' in part ? part.kind : undefined;
  checkWord(`${name}.kind`, kind, Object.keys(kinds));
  checkKeys(`a key of ${name}`, part, ['kind', ...(kinds[String(kind)] ?? [])]);
}

function checkKeys(where: string, object: object, known: readonly string[]): void {
  for (const key of Object.keys(object)) checkWord(where, key, known);
}

function checkWord(where: string, found: unknown, known: readonly string[]): void {
  if (known.some((word) => word === found)) return;
  const hint = typeof found === 'string' ? `; did you mean "${nearestName(found, known)}"?` : '';
  throw refusal(where, `one of ${known.join(', ')}`, `${textOf(found)}${hint}`);
}

function textOf(found: unknown): string {
  return found === undefined ? 'nothing' : JSON.stringify(found);
}

function checkActivation({ activation, encoder, dSae }: WholeSaeConfig): void {
  if (activation.kind === 'topK' || activation.kind === 'absTopK') {
    checkCount('activation.k', activation.k, dSae);
  } else if (activation.kind === 'batchTopK') {
    checkPositive('activation.k', activation.k);
    if (activation.k > dSae) throw refusal('activation.k', `at most dSae = ${dSae}`, activation.k);
  } else if (activation.kind === 'jumpRelu') {
    checkPositive('activation.bandwidth', activation.bandwidth);
    checkPositive('activation.threshold', activation.threshold);
    checkNotNegative('activation.l0', activation.l0);
  } else {
    checkNotNegative('activation.l1', activation.l1);
  }
  if (encoder.kind !== 'thresholding') return;
  checkCount('encoder.steps', encoder.steps, Infinity);
  checkPositive('encoder.stepSize', encoder.stepSize ?? 1);
  if (activation.kind !== 'topK') throw refusal('activation', 'topK with a thresholding encoder', activation.kind);
}

function checkDecoder({ decoder, dSae }: WholeSaeConfig): void {
  if (decoder.kind === 'free') return;
  checkCount('decoder.slots', decoder.slots, dSae);
  if (decoder.slots < 2) throw refusal('decoder.slots', 'at least 2 (1 is a free decoder)', decoder.slots);
  if (dSae % decoder.slots !== 0) throw refusal('dSae', `a multiple of decoder.slots = ${decoder.slots}`, dSae);
}

function checkPrefixes({ prefixes, dSae, activation, encoder }: WholeSaeConfig): void {
  if (prefixes === undefined) return;
  const isRising = prefixes.every((width, i) => Number.isSafeInteger(width) && width > (prefixes[i - 1] ?? 0));
  if (!isRising || prefixes.at(-1) !== dSae) {
    throw refusal('prefixes', `rising whole numbers that end with dSae = ${dSae}`, `[${prefixes.join(', ')}]`);
  }
  if (activation.kind === 'gated') throw refusal('prefixes', 'no prefixes with gated codes', 'both');
  if (encoder.kind === 'thresholding') throw refusal('prefixes', 'no prefixes with a thresholding encoder', 'both');
}

function checkDead({ deadFeatures, dSae, decoder, activation }: WholeSaeConfig): void {
  if (deadFeatures === undefined) return;
  checkCount('deadFeatures.afterRows', deadFeatures.afterRows, Infinity);
  if (deadFeatures.kind === 'resample') {
    checkCount('deadFeatures.every', deadFeatures.every, Infinity);
    checkWhole('Sparse autoencoder, deadFeatures.seed', deadFeatures.seed, 0);
    if (decoder.kind === 'slots') {
      throw refusal('deadFeatures', 'the auxiliary loss, or none, with slots (base features are shared)', 'resample');
    }
    return;
  }
  checkCount('deadFeatures.k', deadFeatures.k, dSae);
  checkNotNegative('deadFeatures.weight', deadFeatures.weight);
  if (activation.kind === 'gated') throw refusal('deadFeatures', 'resample, or none, with gated codes', 'auxiliary');
}

function checkCount(where: string, value: number, most: number): void {
  checkWhole(`Sparse autoencoder, ${where}`, value, 1, most);
}

function checkPositive(where: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw refusal(where, 'a number above 0', value);
}

function checkNotNegative(where: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value))) throw refusal(where, 'a number >= 0', value);
}

function refusal(where: string, expected: string, found: number | string): AssayError {
  return new AssayError('config', `Sparse autoencoder, ${where}: expected ${expected}, found ${found}.`);
}
