/** The parameters of a transformer: names, shapes, roles, and how they start. */
import type { Rng } from '#base/rng.ts';
import { checkTransformer, type TransformerConfig } from '#learning/models/config.ts';
import { MODULES, type BlockModules } from '#learning/models/modules.ts';
import { drawnWeights, type ParameterRole, type ParameterSpec } from '#learning/nn/layers.ts';
import { sizeOf } from '#engine/tensor.ts';

/** All parameters in a fixed order. @throws AssayError on sizes that do not fit together. */
export function transformerParameters(config: TransformerConfig): readonly ParameterSpec[] {
  checkTransformer(config);
  const names = MODULES[config.family];
  const { vocabulary, dModel, positions, initialStd } = config;
  const blocks = Array.from({ length: config.nLayers }, (_, layer) => blockParameters(config, names.block(layer)));
  return [
    spec(names.tokenEmbedding, [vocabulary, dModel], 'embedding', initialStd),
    ...(positions.kind === 'learned'
      ? [spec(names.positionEmbedding, [positions.length, dModel], 'embedding', initialStd)]
      : []),
    ...blocks.flat(),
    ...normParameters(config, names.finalNorm, dModel),
    ...(config.tied ? [] : [spec(`${names.head}.weight`, [vocabulary, dModel], 'head', initialStd)]),
  ];
}

/** The modules that are linear layers, in order: what LoRA may adapt. */
export function linearModules(config: TransformerConfig): readonly string[] {
  return Array.from({ length: config.nLayers }, (_, layer) => {
    const names = MODULES[config.family].block(layer);
    const { qkv } = names;
    const inputs = qkv.kind === 'fused' ? [qkv.module] : [qkv.q, qkv.k, qkv.v];
    const gate = config.mlp === 'gated' ? [names.mlpGate] : [];
    return [...inputs, names.attentionOut, ...gate, names.mlpUp, names.mlpDown];
  }).flat();
}

/** A model before training, by parameter name. */
export function initialWeights(config: TransformerConfig, rng: Rng): ReadonlyMap<string, Float32Array> {
  return drawnWeights(transformerParameters(config), rng);
}

/** The number of values of all parameters together. */
export function parameterCount(specs: readonly ParameterSpec[]): number {
  return specs.reduce((count, { shape }) => count + sizeOf(shape), 0);
}

function blockParameters(config: TransformerConfig, names: BlockModules): readonly ParameterSpec[] {
  const { dModel, dMlp, headDim, biases, initialStd: std } = config;
  const [dQuery, dKv] = [config.nHeads * headDim, config.nKvHeads * headDim];
  // Projections back to the stream shrink with depth: Radford et al. 2019 (GPT-2), section 2.3.
  const outStd = std / Math.sqrt(2 * config.nLayers);
  const { qkv } = names;
  return [
    ...normParameters(config, names.attentionNorm, dModel),
    ...(qkv.kind === 'fused'
      ? linearParameters(qkv.module, dQuery + 2 * dKv, dModel, biases.qkv, std)
      : [
          ...linearParameters(qkv.q, dQuery, dModel, biases.qkv, std),
          ...linearParameters(qkv.k, dKv, dModel, biases.qkv, std),
          ...linearParameters(qkv.v, dKv, dModel, biases.qkv, std),
        ]),
    ...(config.qkNorm ? [scaleOf(names.queryNorm, headDim), scaleOf(names.keyNorm, headDim)] : []),
    ...linearParameters(names.attentionOut, dModel, dQuery, biases.attentionOut, outStd),
    ...normParameters(config, names.mlpNorm, dModel),
    ...(config.mlp === 'gated' ? linearParameters(names.mlpGate, dMlp, dModel, biases.mlp, std) : []),
    ...linearParameters(names.mlpUp, dMlp, dModel, biases.mlp, std),
    ...linearParameters(names.mlpDown, dModel, dMlp, biases.mlp, outStd),
  ];
}

function linearParameters(
  module: string,
  dOut: number,
  dIn: number,
  hasBias: boolean,
  std: number,
): readonly ParameterSpec[] {
  const weight = spec(`${module}.weight`, [dOut, dIn], 'matrix', std);
  return hasBias
    ? [weight, { name: `${module}.bias`, shape: [dOut], role: 'vector', initial: { kind: 'zeros' } }]
    : [weight];
}

function normParameters(config: TransformerConfig, module: string, length: number): readonly ParameterSpec[] {
  const scale = scaleOf(module, length);
  if (config.norm.kind === 'rmsNorm') return [scale];
  return [scale, { name: `${module}.bias`, shape: [length], role: 'vector', initial: { kind: 'zeros' } }];
}

function scaleOf(module: string, length: number): ParameterSpec {
  return { name: `${module}.weight`, shape: [length], role: 'vector', initial: { kind: 'ones' } };
}

function spec(name: string, shape: readonly number[], role: ParameterRole, std: number): ParameterSpec {
  return { name, shape, role, initial: { kind: 'normal', std } };
}
