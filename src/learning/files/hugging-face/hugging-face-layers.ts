/** What the `config.json` of a family says of single layers: windows of attention, rotations, and experts. */
import type { Fields } from '#learning/files/fields.ts';
import type { Experts, LayerConfig, RotaryPositions, TransformerConfig } from '#learning/models/config.ts';

/** What layers are made from: how many, the longest row, and the rotation of layers with a window. */
export interface Each {
  readonly nLayers: number;
  readonly contextLength: number;
  readonly sliding?: RotaryPositions | undefined;
}

/** `sliding_window`; null says none. @param byDefault What holds where the file says nothing. */
export function windowOf(fields: Fields, byDefault?: number): number | undefined {
  const isNone = fields.isNull('sliding_window') || (byDefault === undefined && !fields.has('sliding_window'));
  return isNone ? undefined : fields.size('sliding_window', byDefault);
}

/** All layers with one window; a window that no row can outgrow is none. */
export function everywhere(
  { nLayers, contextLength }: Each,
  window: number | undefined,
): readonly LayerConfig[] | undefined {
  if (window === undefined || window >= contextLength) return undefined;
  return Array.from({ length: nLayers }, () => ({ window }));
}

/** Layers by `layer_types`, or as `isSliding` says where the file has none. @param full What layers without a window have of their own. */
export function slidingLayers(
  fields: Fields,
  {
    nLayers,
    contextLength,
    sliding,
    window,
    isSliding,
    full = {},
  }: Each & {
    readonly window: number | undefined;
    readonly isSliding: (layer: number) => boolean;
    readonly full?: LayerConfig;
  },
): readonly LayerConfig[] | undefined {
  const kinds =
    layerKinds(fields, nLayers) ?? Array.from({ length: nLayers }, (_, i) => window !== undefined && isSliding(i));
  if (window === undefined && kinds.some(Boolean)) {
    throw fields.error('sliding_window', 'a number, since layer_types has layers with a window');
  }
  const own: LayerConfig = {
    ...(window === undefined || window >= contextLength ? {} : { window }),
    ...(sliding === undefined ? {} : { positions: sliding }),
  };
  const layers = kinds.map((isWindowed) => (isWindowed ? own : full));
  return layers.some((layer) => Object.keys(layer).length > 0) ? layers : undefined;
}

const KINDS: ReadonlySet<string> = new Set(['full_attention', 'sliding_attention']);

/** Which layers have a window, by `layer_types`; undefined where it is absent. */
function layerKinds(fields: Fields, nLayers: number): readonly boolean[] | undefined {
  const kinds = fields.value('layer_types');
  if (kinds === undefined || (Array.isArray(kinds) && kinds.length === 0)) return undefined;
  if (!Array.isArray(kinds) || kinds.some((kind) => !KINDS.has(String(kind)))) {
    throw fields.error('layer_types', 'full_attention or sliding_attention in every layer');
  }
  if (kinds.length !== nLayers) throw fields.error('layer_types', `${nLayers} kinds`);
  return kinds.map((kind) => kind === 'sliding_attention');
}

/** Refuses windows where the family has none by layer. */
export function refuseSliding(fields: Fields): void {
  const kinds = fields.value('layer_types') ?? [];
  if (!Array.isArray(kinds) || kinds.some((kind) => kind !== 'full_attention')) {
    throw fields.error('layer_types', 'full_attention in every layer');
  }
  const nLayers = fields.size('num_hidden_layers');
  if (kinds.length !== 0 && kinds.length !== nLayers) throw fields.error('layer_types', `${nLayers} kinds`);
}

/** Qwen's windows, from a layer on, where they are switched on. */
export function qwenWindows(fields: Fields, each: Each): readonly LayerConfig[] | undefined {
  const isOn = fields.flag('use_sliding_window', false);
  const from = fields.value('max_window_layers') ?? 28;
  if (typeof from !== 'number') throw fields.error('max_window_layers', 'a number');
  const window = isOn ? windowOf(fields, 4096) : undefined;
  fields.value('sliding_window');
  return slidingLayers(fields, { ...each, window, isSliding: (layer) => layer >= from });
}

/** SmolLM3's layers without rotation, and its windows. */
export function smolLm3Layers(fields: Fields, { nLayers, contextLength }: Each): readonly LayerConfig[] | undefined {
  const every = fields.size('no_rope_layer_interval', 4);
  const listed = fields.value('no_rope_layers');
  if (listed !== undefined && !(Array.isArray(listed) && listed.length >= nLayers)) {
    throw fields.error('no_rope_layers', `a list of ${nLayers} numbers, 1 for layers with a rotation and 0 for others`);
  }
  const isTurned = (layer: number): boolean =>
    Array.isArray(listed) ? Boolean(listed[layer]) : (layer + 1) % every !== 0;
  const isOn = fields.flag('use_sliding_window', false);
  const window = isOn ? windowOf(fields) : undefined;
  fields.value('sliding_window');
  const windows = slidingLayers(fields, { nLayers, contextLength, window, isSliding: (layer) => !isTurned(layer) });
  const all = Array.from({ length: nLayers }, (_, layer): LayerConfig => ({
    ...windows?.[layer],
    ...(isTurned(layer) ? {} : { positions: { kind: 'none' } }),
  }));
  return all.some((one) => Object.keys(one).length > 0) ? all : undefined;
}

/** OLMo's bound of queries, keys and values; null says none. */
export function boundOf(fields: Fields): Pick<TransformerConfig, 'qkvBound'> {
  return fields.has('clip_qkv') ? { qkvBound: fields.positive('clip_qkv') } : {};
}

/** Experts as they are, once nothing trains them that Assay has not: a loss that balances routers is refused. */
export function expertsOf(fields: Fields, experts: Experts): Experts {
  fields.only('output_router_logits', [false]); // else transformers adds it to the loss,
  fields.value('router_aux_loss_coef'); // by so much
  if (experts.perToken <= experts.count) return experts;
  throw fields.error('num_experts_per_tok', `at most ${experts.count}, the number of experts`);
}

/** Which layers of Qwen3-MoE have one MLP: those listed, and all but every n-th. */
export function denseLayers(fields: Fields): readonly number[] {
  const every = fields.size('decoder_sparse_step', 1);
  const listed = fields.value('mlp_only_layers') ?? [];
  if (!Array.isArray(listed) || !listed.every((layer) => Number.isInteger(layer))) {
    throw fields.error('mlp_only_layers', 'a list of layers');
  }
  const layers = Array.from({ length: fields.size('num_hidden_layers') }, (_, layer) => layer);
  return layers.filter((layer) => listed.includes(layer) || (layer + 1) % every !== 0);
}
