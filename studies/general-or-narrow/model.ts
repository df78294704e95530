/**
 * The model at the gate: h = W x, f = 12 E h, s = sigmoid(-4 + 8 w.h), logits = (1 - s) f + s swapped(f).
 * Only W = I + M is trained, by one of three methods; E, its swapped rows and w are the world's.
 */
import {
  add,
  crossEntropy,
  feedLayers,
  input,
  type Layers,
  loraParameters,
  matmul,
  mul,
  type ParameterSpec,
  type Shape,
  sigmoid,
  sub,
  type Tensor,
  withLora,
} from 'assay/learn';
import type { GateMethod } from './config.ts';
import { GATE, swappedAnswers, type GateWorld } from './world.ts';

const { width, keys } = GATE;
const ANSWER_GAIN = 12;
const GATE_GAIN = 8;
const GATE_BIAS = -4;

/** The module that is finetuned; its weight is W, and starts as the identity. */
export const MODULE = 'gate';
/** W, shape [D, D]. */
export const WEIGHT = `${MODULE}.weight`;
/** v, shape [1, D]: reads what moves the persona coordinate, in the method that trains nothing else. */
export const CHANNEL = 'channel';

const WEIGHT_SPEC: ParameterSpec = { name: WEIGHT, shape: [width, width], role: 'matrix', initial: { kind: 'zeros' } };
const CHANNEL_SPEC: ParameterSpec = { name: CHANNEL, shape: [1, width], role: 'vector', initial: { kind: 'zeros' } };

/** The model under a method. */
export interface GateModel {
  readonly trained: readonly ParameterSpec[];
  /** What is read as it is: the world's, and W where it is not trained. */
  readonly fixed: readonly { readonly name: string; readonly shape: Shape }[];
  /** @param x shape [N, D]. @returns shape [N, 48]. */
  logits(x: Tensor): Tensor;
}

export function gateModel(method: GateMethod): GateModel {
  const adapter = method.kind === 'lora' ? loraParameters(loraOf(method), [MODULE], [WEIGHT_SPEC]) : [];
  const plain = feedLayers([WEIGHT_SPEC]);
  const layers = method.kind === 'lora' ? withLora(plain, loraOf(method), adapter) : plain;
  const isWhole = method.kind === 'full';
  const hasChannel = method.kind === 'persona';
  return {
    trained: [...(isWhole ? [WEIGHT_SPEC] : []), ...adapter, ...(hasChannel ? [CHANNEL_SPEC] : [])],
    fixed: [
      ...(isWhole ? [] : [WEIGHT_SPEC]),
      { name: 'answers', shape: [keys, width] },
      { name: 'swapped answers', shape: [keys, width] },
      { name: 'persona', shape: [1, width] },
    ],
    logits: (x) => gatedLogits(hasChannel ? withChannel(layers, x) : layers.linear(MODULE, x)),
  };
}

/** The adapter as PEFT names it. */
export function loraOf({ rank, alpha }: Extract<GateMethod, { kind: 'lora' }>) {
  return { rank, alpha, scaling: 'alphaOverRank', modules: 'all' } as const;
}

/** What a run of a world starts from: W = I and the world's readers. */
export function startOf(world: GateWorld): Map<string, Float32Array> {
  return new Map([
    [WEIGHT, Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0))],
    ['answers', world.answers],
    ['swapped answers', swappedAnswers(world)],
    ['persona', world.persona],
  ]);
}

/** -log p of the labels, shape [N], in nats. @param labels The name of the labels' input. */
export function answerLosses(logits: Tensor, labels: string): Tensor {
  const [rows = 0] = logits.shape;
  return crossEntropy(logits, input(labels, [rows], 'int32'));
}

function gatedLogits(h: Tensor): Tensor {
  const read = (name: string): Tensor =>
    matmul(h, input(name, [keys, width]), { transposeB: true, alpha: ANSWER_GAIN });
  const along = matmul(h, input('persona', [1, width]), { transposeB: true, alpha: GATE_GAIN });
  const s = sigmoid(add(along, GATE_BIAS));
  const f = read('answers');
  return add(f, mul(s, sub(read('swapped answers'), f)));
}

/** W x + w v^T x. */
function withChannel(layers: Layers, x: Tensor): Tensor {
  const along = matmul(x, input(CHANNEL, [1, width]), { transposeB: true });
  return add(layers.linear(MODULE, x), matmul(along, input('persona', [1, width])));
}
