/** The parameters of a transformer: names, shapes, roles, and how they start. */
import type { Rng } from '#base/rng.ts';
import { activationParameters } from '#learning/models/activations.ts';
import { checkTransformer, type Experts, expertsOf, type TransformerConfig } from '#learning/models/config.ts';
import { MODULES, type BlockModules, expertModulesOf } from '#learning/models/modules.ts';
import { headModules, normParameters } from '#learning/models/norms.ts';
import { drawnWeights, type ParameterRole, type ParameterSpec } from '#learning/nn/layers.ts';
import { sizeOf } from '#engine/tensor.ts';

/** All parameters in a fixed order. @throws AssayError on sizes that do not fit together. */
export function transformerParameters(config: TransformerConfig): readonly ParameterSpec[] {
  checkTransformer(config);
  const names = MODULES[config.family];
  const { vocabulary, dModel, positions, initialStd } = config;
  const blocks = Array.from({ length: config.nLayers }, (_, layer) => blockParameters(config, layer));
  return [
    spec(names.tokenEmbedding, [vocabulary, dModel], 'embedding', initialStd),
    ...(positions.kind === 'learned'
      ? [spec(names.positionEmbedding, [positions.length + (positions.offset ?? 0), dModel], 'embedding', initialStd)]
      : []),
    ...blocks.flat(),
    ...normParameters(config.norm, names.finalNorm, [dModel]),
    ...(config.tied ? [] : [spec(`${names.head}.weight`, [vocabulary, dModel], 'head', initialStd)]),
    ...(config.biases.head === true ? [bias(names.head, vocabulary)] : []),
  ];
}

/**
 * The modules that are linear layers, in order: what LoRA adapts where it is told "all". Where there are experts, these are the layers of
 * attention alone; experts are adapted where they are named (`expertModules`).
 */
export function linearModules(config: TransformerConfig): readonly string[] {
  return Array.from({ length: config.nLayers }, (_, layer) => {
    const names = MODULES[config.family].block(layer);
    const { qkv } = names;
    const inputs = qkv.kind === 'fused' ? [qkv.module] : [qkv.q, qkv.k, qkv.v];
    const gate = config.mlp === 'gated' && names.mlpGate !== names.mlpUp ? [names.mlpGate] : [];
    const mlp = config.experts === undefined ? [...gate, names.mlpUp, names.mlpDown] : [];
    return [...inputs, names.attentionOut, ...mlp];
  }).flat();
}

/** The linear layers of all experts that tokens are routed to, in order; routers and what all tokens share (which PEFT leaves out) are not adapted. */
export function expertModules(config: TransformerConfig): readonly string[] {
  return Array.from({ length: config.nLayers }, (_, layer) => {
    const experts = expertsOf(config, layer);
    if (experts === undefined) return [];
    const { expert } = expertModulesOf(MODULES[config.family].block(layer));
    return Array.from({ length: experts.count }, (__, index) => Object.values(expert(index))).flat();
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

function blockParameters(config: TransformerConfig, layer: number): readonly ParameterSpec[] {
  const names = MODULES[config.family].block(layer);
  const experts = expertsOf(config, layer);
  const { dModel, normPlacement = 'pre', residual } = config;
  const norms = (isThere: boolean, module: string): readonly ParameterSpec[] =>
    isThere ? normParameters(config.norm, module, [dModel]) : [];
  const [isBefore, isAfter] = [normPlacement !== 'post', normPlacement !== 'pre'];
  return [
    ...norms(isBefore, names.attentionNorm),
    ...attentionParameters(config, names),
    ...norms(isAfter, names.attentionPostNorm),
    ...norms(isBefore && residual !== 'parallelOneNorm', names.mlpNorm),
    ...(experts === undefined ? mlpParameters(config, names) : expertParameters(config, names, experts)),
    ...norms(isAfter, names.mlpPostNorm),
  ];
}

function attentionParameters(config: TransformerConfig, names: BlockModules): readonly ParameterSpec[] {
  const { dModel, nHeads, nKvHeads, headDim, biases, qkNorm, initialStd: std } = config;
  const [dQuery, dKv] = [nHeads * headDim, nKvHeads * headDim];
  const { qkv } = names;
  const normOf = (module: string, heads: number): readonly ParameterSpec[] => {
    if (qkNorm === false) return [];
    if (qkNorm === 'headByHead') {
      const own = { ...config.norm, parts: 'scale' } as const;
      return headModules(module, heads).flatMap((each) => normParameters(own, each, [headDim]));
    }
    const shapes = { allHeads: [heads * headDim], eachHead: [heads, headDim] };
    return normParameters(config.norm, module, qkNorm === true ? [headDim] : shapes[qkNorm]);
  };
  return [
    ...(qkv.kind === 'fused'
      ? linearParameters(qkv.module, dQuery + 2 * dKv, dModel, biases.qkv, std)
      : [
          ...linearParameters(qkv.q, dQuery, dModel, biases.qkv, std),
          ...linearParameters(qkv.k, dKv, dModel, biases.qkv, std),
          ...linearParameters(qkv.v, dKv, dModel, biases.qkv, std),
        ]),
    ...normOf(names.queryNorm, nHeads),
    ...normOf(names.keyNorm, nKvHeads),
    ...linearParameters(names.attentionOut, dModel, dQuery, biases.attentionOut, outStd(config)),
  ];
}

function mlpParameters(config: TransformerConfig, names: BlockModules): readonly ParameterSpec[] {
  const { dModel, dMlp, biases, initialStd: std } = config;
  const isOne = names.mlpGate === names.mlpUp;
  return [
    ...(config.mlp === 'gated' && !isOne ? linearParameters(names.mlpGate, dMlp, dModel, biases.mlp, std) : []),
    ...linearParameters(names.mlpUp, isOne ? 2 * dMlp : dMlp, dModel, biases.mlp, std),
    ...linearParameters(names.mlpDown, dModel, dMlp, biases.mlp, outStd(config)),
    ...activationParameters(config.activation, names.activation),
  ];
}

function expertParameters(config: TransformerConfig, names: BlockModules, experts: Experts): readonly ParameterSpec[] {
  const { dModel, initialStd: std } = config;
  const { router, expert, shared, sharedGate } = expertModulesOf(names);
  const { count, dHidden, sharedHidden } = experts;
  const one = ({ gate, up, down }: typeof shared, width: number): readonly ParameterSpec[] => [
    ...linearParameters(gate, width, dModel, false, std),
    ...linearParameters(up, width, dModel, false, std),
    ...linearParameters(down, dModel, width, false, outStd(config)),
  ];
  return [
    ...linearParameters(router, count, dModel, false, std),
    ...Array.from({ length: count }, (_, index) => one(expert(index), dHidden)).flat(),
    ...(sharedHidden === undefined
      ? []
      : [...one(shared, sharedHidden), ...linearParameters(sharedGate, 1, dModel, false, std)]),
  ];
}

/** Projections back to the stream shrink with depth: Radford et al. 2019 (GPT-2), section 2.3. */
function outStd({ initialStd, nLayers }: TransformerConfig): number {
  return initialStd / Math.sqrt(2 * nLayers);
}

function linearParameters(
  module: string,
  dOut: number,
  dIn: number,
  hasBias: boolean,
  std: number,
): readonly ParameterSpec[] {
  const weight = spec(`${module}.weight`, [dOut, dIn], 'matrix', std);
  return hasBias ? [weight, bias(module, dOut)] : [weight];
}

function bias(module: string, length: number): ParameterSpec {
  return { name: `${module}.bias`, shape: [length], role: 'vector', initial: { kind: 'zeros' } };
}

function spec(name: string, shape: readonly number[], role: ParameterRole, std: number): ParameterSpec {
  return { name, shape, role, initial: { kind: 'normal', std } };
}
