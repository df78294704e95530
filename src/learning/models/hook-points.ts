/**
 * Places of a decoder by the names that TransformerLens and SAELens have for them, `blocks.0.hook_resid_post` and so on.
 * Invariant: at such a place stands what TransformerLens has there: `hook_attn_out` and `hook_mlp_out` are what is added to the stream
 * (behind norms that stand after, and times the model's factor), `attn.hook_z` the heads side by side before the output's matrix, and
 * `mlp.hook_post` what the MLP's last matrix reads. No place has a node unless it is asked for.
 * Source: https://github.com/TransformerLensOrg/TransformerLens, `components/transformer_block.py`.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { expertsOf, type TransformerConfig } from '#learning/models/config.ts';
import { MODULES, transformerSites } from '#learning/models/modules.ts';

/** The places of a block, in the order in which they are computed. */
const OF_BLOCK = [
  'hook_resid_pre',
  'attn.hook_z',
  'hook_attn_out',
  'hook_resid_mid',
  'mlp.hook_post',
  'hook_mlp_out',
  'hook_resid_post',
] as const;
type OfBlock = (typeof OF_BLOCK)[number];

const HOOK_POINT = /^blocks\.(?<layer>0|[1-9]\d*)\.(?<of>.+)$/u;

/** The name of a block's place. */
export function hookPoint(layer: number, of: OfBlock): string {
  return `blocks.${layer}.${of}`;
}

/** A place of a model. */
export interface ModelPlace {
  /** What `Layers.site` is called with there. */
  readonly site: string;
  /** How many numbers a token has there. */
  readonly width: number;
}

/** All hook points of a model, in order, but for those that `whyNot` names. */
export function hookPoints(config: TransformerConfig): readonly string[] {
  return Array.from({ length: config.nLayers }, (_, layer) => layer).flatMap((layer) =>
    OF_BLOCK.filter((of) => whyNot(config, layer, of) === undefined).map((of) => hookPoint(layer, of)),
  );
}

/** Every name that `withSites` and `recordingSites` may be given of a model: its stream's sites, and those of its hook points. */
export function placeSites(config: TransformerConfig): readonly string[] {
  return [
    ...new Set([...transformerSites(config), ...hookPoints(config).map((name) => modelPlace(config, name).site)]),
  ];
}

/** The place of a name: a hook point, or one of `transformerSites(config)`. @throws AssayError (config) on others, saying which there are. */
export function modelPlace(config: TransformerConfig, name: string): ModelPlace {
  const { dModel, dMlp, nHeads, headDim, family } = config;
  const sites = transformerSites(config);
  if (sites.includes(name)) return { site: name, width: dModel };
  const [layer, of] = parsed(config, name);
  const { afterAttention, out } = MODULES[family].block(layer);
  switch (of) {
    case 'hook_resid_pre':
      return { site: sites[2 * layer] ?? '', width: dModel };
    case 'hook_resid_mid':
      return { site: afterAttention, width: dModel };
    case 'hook_resid_post':
      return { site: out, width: dModel };
    case 'hook_attn_out':
    case 'hook_mlp_out':
      return { site: name, width: dModel };
    case 'attn.hook_z':
      return { site: name, width: nHeads * headDim };
    case 'mlp.hook_post':
      return { site: name, width: dMlp };
    default:
      return of satisfies never;
  }
}

function parsed(config: TransformerConfig, name: string): readonly [layer: number, of: OfBlock] {
  const { layer, of: asked } = HOOK_POINT.exec(name)?.groups ?? {};
  const of = OF_BLOCK.find((one) => one === asked);
  const reason = of && whyNot(config, Number(layer), of);
  if (reason !== undefined) {
    throw new AssayError('config', `Site "${name}": expected one that the model has; ${reason}`);
  }
  if (of !== undefined && Number(layer) < config.nLayers) return [Number(layer), of];
  const sites = transformerSites(config);
  const nearest = nearestName(name, [...hookPoints(config), ...sites]);
  const last = config.nLayers - 1;
  throw new AssayError(
    'config',
    `Site ${JSON.stringify(name.slice(0, 200))}: expected blocks.L. (L from 0 to ${last}) and one of ${OF_BLOCK.join(', ')}; or one of ${sites[0]}, ${sites[1]}, ..., ${sites.at(-1)}; did you mean "${nearest}"?`,
  );
}

/** Why a block does not have a place; undefined where it does. */
function whyNot(config: TransformerConfig, layer: number, of: OfBlock): string | undefined {
  const { residual = 'serial' } = config;
  if (of === 'hook_resid_mid' && residual !== 'serial') {
    return 'in its blocks attention and MLP read the same stream, and there is none between them. Take hook_attn_out, hook_mlp_out, hook_resid_pre or hook_resid_post.';
  }
  if (of === 'mlp.hook_post' && expertsOf(config, layer) !== undefined) {
    return 'this block has experts, each with a last matrix of its own. Take hook_mlp_out.';
  }
  return undefined;
}
