/** The parameters of a pair of towers: names, shapes, roles, and how they start. */
import {
  checkedTowers,
  type EncoderConfig,
  type ImageTowerConfig,
  type TextTowerConfig,
  type TowersConfig,
} from '#learning/models/towers/config.ts';
import { type EncoderBlockModules, IMAGE, LOGIT_BIAS, LOGIT_SCALE, TEXT } from '#learning/models/towers/modules.ts';
import type { ParameterRole, ParameterSpec } from '#learning/nn/layers.ts';

/** All parameters in a fixed order: the image tower's, the text tower's, scale and bias [1]. @throws AssayError on sizes that do not fit together. */
export function towerParameters(config: TowersConfig): readonly ParameterSpec[] {
  const { image, text, logitScale, logitBias } = checkedTowers(config);
  return [
    ...imageParameters(image),
    ...textParameters(text),
    ...(logitScale === null ? [] : [constant(LOGIT_SCALE, logitScale)]),
    ...(logitBias === null ? [] : [constant(LOGIT_BIAS, logitBias)]),
  ];
}

/** The modules that are linear layers, in order: what LoRA may adapt. */
export function towerLinearModules({ image, text }: TowersConfig): readonly string[] {
  const inBlocks = ({ nLayers }: EncoderConfig, blockOf: (layer: number) => EncoderBlockModules): readonly string[] =>
    Array.from({ length: nLayers }, (_, layer) => {
      const { q, k, v, attentionOut, mlpUp, mlpDown } = blockOf(layer);
      return [q, k, v, attentionOut, mlpUp, mlpDown];
    }).flat();
  return [
    ...inBlocks(image.encoder, IMAGE.block),
    ...(image.projection === null ? [] : [IMAGE.projection]),
    ...inBlocks(text.encoder, TEXT.block),
    ...(text.projection === null ? [] : [TEXT.projection]),
  ];
}

function imageParameters(config: ImageTowerConfig): readonly ParameterSpec[] {
  const { encoder, patches, classToken, preNorm, pooling, projection } = config;
  const { dModel } = encoder;
  const { weight, position } = patches.initialStd;
  const dPatch = patches.channels * patches.size ** 2;
  const places = patches.rows * patches.columns + Number(classToken);
  return [
    ...(classToken ? [normal(IMAGE.classToken, [dModel], 'vector', position)] : []),
    ...linear(IMAGE.patches, dModel, dPatch, weight, patches.bias),
    normal(IMAGE.positions, [places, dModel], 'embedding', position),
    ...(preNorm ? norm(IMAGE.preNorm, dModel) : []),
    ...blocks(encoder, IMAGE.block),
    ...norm(IMAGE.finalNorm, dModel),
    ...(pooling === 'attention' ? headParameters(encoder) : []),
    ...(projection === null ? [] : linear(IMAGE.projection, projection, dModel, 1 / Math.sqrt(dModel), false)),
  ];
}

function headParameters({ dModel, dMlp, initialStd: std }: EncoderConfig): readonly ParameterSpec[] {
  const { probe, qkv, out, norm: headNorm, mlpUp, mlpDown } = IMAGE.head;
  return [
    normal(probe, [dModel], 'vector', std),
    // Packed as PyTorch's MultiheadAttention keeps them: rows for queries, keys, values.
    normal(`${qkv}_weight`, [3 * dModel, dModel], 'matrix', std),
    zeros(`${qkv}_bias`, 3 * dModel),
    ...linear(out, dModel, dModel, std, true),
    ...norm(headNorm, dModel),
    ...linear(mlpUp, dMlp, dModel, std, true),
    ...linear(mlpDown, dModel, dMlp, std, true),
  ];
}

function textParameters(config: TextTowerConfig): readonly ParameterSpec[] {
  const { encoder, vocabulary, length, projection, initialStd } = config;
  const { dModel } = encoder;
  return [
    normal(TEXT.tokens, [vocabulary, dModel], 'embedding', initialStd.token),
    normal(TEXT.positions, [length, dModel], 'embedding', initialStd.position),
    ...blocks(encoder, TEXT.block),
    ...norm(TEXT.finalNorm, dModel),
    ...(projection === null
      ? []
      : linear(TEXT.projection, projection.width, dModel, 1 / Math.sqrt(dModel), projection.bias)),
  ];
}

function blocks(
  { dModel, dMlp, nLayers, initialStd: std }: EncoderConfig,
  blockOf: (layer: number) => EncoderBlockModules,
): readonly ParameterSpec[] {
  // As in `transformerParameters`: projections back to the stream shrink with depth.
  const outStd = std / Math.sqrt(2 * nLayers);
  return Array.from({ length: nLayers }, (_, layer) => {
    const names = blockOf(layer);
    return [
      ...norm(names.attentionNorm, dModel),
      ...[names.q, names.k, names.v].flatMap((module) => linear(module, dModel, dModel, std, true)),
      ...linear(names.attentionOut, dModel, dModel, outStd, true),
      ...norm(names.mlpNorm, dModel),
      ...linear(names.mlpUp, dMlp, dModel, std, true),
      ...linear(names.mlpDown, dModel, dMlp, outStd, true),
    ];
  }).flat();
}

function linear(module: string, dOut: number, dIn: number, std: number, hasBias: boolean): readonly ParameterSpec[] {
  const weight = normal(`${module}.weight`, [dOut, dIn], 'matrix', std);
  return hasBias ? [weight, zeros(`${module}.bias`, dOut)] : [weight];
}

function norm(module: string, length: number): readonly ParameterSpec[] {
  const scale: ParameterSpec = {
    name: `${module}.weight`,
    shape: [length],
    role: 'vector',
    initial: { kind: 'ones' },
  };
  return [scale, zeros(`${module}.bias`, length)];
}

function zeros(name: string, length: number): ParameterSpec {
  return { name, shape: [length], role: 'vector', initial: { kind: 'zeros' } };
}

function constant(name: string, value: number): ParameterSpec {
  return { name, shape: [1], role: 'vector', initial: { kind: 'constant', value } };
}

function normal(name: string, shape: readonly number[], role: ParameterRole, std: number): ParameterSpec {
  return { name, shape, role, initial: { kind: 'normal', std } };
}
