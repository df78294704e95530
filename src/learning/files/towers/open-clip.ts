/**
 * Folders of OpenCLIP (`open_clip_config.json`, `open_clip_model.safetensors`) whose towers are CLIP's: the description, and the
 * names and shapes of their tensors. Towers from other libraries (timm, Hugging Face) and blocks with further parts are
 * refused by the name of the setting.
 * @see `CLIPVisionCfg`, `CLIPTextCfg`, `PreprocessCfg` of open_clip 3.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import type { ImageProcessing } from '#learning/files/images/image-processor.ts';
import type { Resampling } from '#learning/files/images/resample.ts';
import { checkedWeights, type TensorRecipe, transposed, type Weights } from '#learning/files/model-files.ts';
import { PRETRAINED_STD } from '#learning/files/model-description.ts';
import type { TensorSource } from '#learning/files/tensors/tensor-source.ts';
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';
import { checkedTowers, type EncoderConfig } from '#learning/models/towers/config.ts';
import { IMAGE, LOGIT_SCALE, TEXT } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

export const OPEN_CLIP_CONFIG = 'open_clip_config.json';
export const OPEN_CLIP_WEIGHTS = 'open_clip_model.safetensors';

/** What an OpenCLIP folder says of its towers and of the images they read. */
export interface OpenClipFolder {
  readonly described: TowersDescription;
  readonly processing: ImageProcessing;
}

/** Settings that are off in every model whose parts are CLIP's. */
const OFF: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  ls_init_value: [],
  attentional_pool: [false],
  no_ln_pre: [false],
  pos_embed_type: ['learnable'],
  block_type: ['default'],
  qk_norm: [false],
  scaled_cosine_attn: [false],
  scale_heads: [false],
  scale_attn_inner: [false],
  scale_attn: [false],
  scale_fc: [false],
  embed_cls: [false],
  no_causal_mask: [false],
  proj_bias: [false],
  proj_type: ['linear'],
  act_kwargs: [],
  norm_kwargs: [],
  timm_model_name: [],
  hf_model_name: [],
};

/** What changes nothing here: dropout, outputs besides, and how a tokenizer is found (the folder has its files). */
const IDLE: ReadonlySet<string> = new Set(
  `patch_dropout output_tokens hf_tokenizer_name tokenizer_mode tokenizer_kwargs pad_id eos_id attn_pooler_queries
  attn_pooler_heads final_ln_after_pool timm_model_pretrained timm_pool timm_proj timm_proj_bias timm_drop timm_drop_path
  hf_model_pretrained hf_proj_type hf_pooler_type`.split(/\s+/),
);

const NO_STDS = { weight: PRETRAINED_STD, position: PRETRAINED_STD };

/** @throws AssayError naming what is missing, wrong, not supported or not known. */
export function openClipFolder(json: JsonObject, where: string): OpenClipFolder {
  const file = fieldsOf(new Map(Object.entries(json)), where);
  const model = partOf(file, 'model_cfg');
  const image = partOf(model, 'vision_cfg');
  const text = partOf(model, 'text_cfg');
  const processing = partOf(file, 'preprocess_cfg');
  model.only('custom_text', [false]);
  model.only('init_logit_bias', []);
  model.only('nonscalar_logit_scale', [false]);
  const described = describedBy(model, image, text);
  const found = { described, processing: processingOf(processing, described.imageSize ?? 0) };
  for (const part of [image, text]) {
    for (const [name, allowed] of Object.entries(OFF)) part.only(name, allowed);
    part.refuseRest((name) => IDLE.has(name));
  }
  model.refuseRest((name) => name === 'init_logit_scale');
  processing.refuseRest((name) => name === 'fill_color'); // of a resize that is refused
  file.refuseRest(() => false);
  checkedTowers(described.config);
  return found;
}

function describedBy(model: Fields, image: Fields, text: Fields): TowersDescription {
  const width = model.size('embed_dim');
  const activation = model.flag('quick_gelu', false) ? 'quickGelu' : 'gelu';
  image.only('pool_type', ['tok']);
  text.only('pool_type', ['argmax']);
  const encoder = (fields: Fields, dModel: number, nHeads: number): EncoderConfig => ({
    dModel,
    nLayers: fields.size('layers', 12),
    nHeads,
    dMlp: Math.trunc(dModel * fields.positive('mlp_ratio', 4)),
    activation,
    epsilon: 1e-5,
    initialStd: PRETRAINED_STD,
  });
  const [imageWidth, textWidth] = [image.size('width', 768), text.size('width', 512)];
  const [imageSize, size] = [image.size('image_size', 224), image.size('patch_size', 16)];
  const side = Math.floor(imageSize / size);
  return {
    family: 'clip',
    config: {
      image: {
        encoder: encoder(image, imageWidth, Math.floor(imageWidth / image.size('head_width', 64))),
        patches: {
          channels: 3,
          size,
          order: 'chw',
          bias: false,
          rows: side,
          columns: side,
          grid: 'fixed',
          initialStd: NO_STDS,
        },
        classToken: true,
        preNorm: true,
        pooling: 'class',
        projection: width,
      },
      text: {
        encoder: encoder(text, textWidth, text.size('heads', 8)),
        vocabulary: text.size('vocab_size', 49_408),
        length: text.size('context_length', 77),
        causal: true,
        pooling: 'at',
        projection: { width, bias: false },
        initialStd: { token: PRETRAINED_STD, position: PRETRAINED_STD },
      },
      logitScale: Math.log(1 / 0.07),
      logitBias: null,
    },
    imageSize,
    pooledPlace: { kind: 'largest' },
  };
}

const INTERPOLATIONS: ReadonlyMap<string, Resampling> = new Map<string, Resampling>([
  ['bicubic', 'bicubic'],
  ['bilinear', 'bilinear'],
]);

const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];

/** Resized by Pillow inside torchvision's transforms, whose crop rounds halves to even. */
function processingOf(fields: Fields, imageSize: number): ImageProcessing {
  fields.only('mode', ['RGB']);
  const size = fields.value('size');
  const isSize = size === undefined || (Array.isArray(size) ? size : [size]).every((one) => one === imageSize);
  if (!isSize) throw fields.error('size', `${imageSize}, the image_size of vision_cfg`);
  const squash = new Map([
    ['shortest', false],
    ['squash', true],
  ]);
  const isSquashed = fields.oneOf('resize_mode', squash, 'shortest');
  const square = { height: imageSize, width: imageSize };
  return {
    resize: isSquashed ? { kind: 'squash', ...square } : { kind: 'shortestEdge', length: imageSize },
    resampling: fields.oneOf('interpolation', INTERPOLATIONS, 'bicubic'),
    crop: { ...square, rounding: 'halfToEven' },
    rescaleFactor: 1 / 255,
    normalize: { mean: threeOf(fields, 'mean', CLIP_MEAN), std: threeOf(fields, 'std', CLIP_STD) },
  };
}

function threeOf(fields: Fields, name: string, byDefault: readonly number[]): readonly number[] {
  const value = fields.value(name) ?? byDefault;
  if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite)) return value.map(Number);
  throw fields.error(name, 'three numbers');
}

function partOf(fields: Fields, name: string): Fields {
  const json = (fields.value(name) ?? {}) as Json; // fields hold what JSON held
  if (!isJsonObject(json)) throw fields.error(name, 'an object');
  return fieldsOf(new Map(Object.entries(json)), `${fields.where}: ${name}`);
}

/** @throws AssayError naming the first tensor that is missing, misshapen or not known. */
export function openClipWeights(source: TensorSource, { config }: TowersDescription): Promise<Weights> {
  const { channels, size } = config.image.patches;
  const recipeOf = (parameter: ParameterSpec): TensorRecipe => storedAs(parameter, [channels, size, size]);
  return checkedWeights(source, 'CLIP model of OpenCLIP', towerParameters(config), recipeOf, () =>
    Promise.resolve(false),
  );
}

const WHOLE: ReadonlyMap<string, string> = new Map([
  [IMAGE.classToken, 'visual.class_embedding'],
  [IMAGE.positions, 'visual.positional_embedding'],
  [TEXT.tokens, 'token_embedding.weight'],
  [TEXT.positions, 'positional_embedding'],
  [LOGIT_SCALE, 'logit_scale'],
]);

const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^vision_model\.encoder\.layers\./, 'visual.transformer.resblocks.'],
  [/^text_model\.encoder\.layers\./, 'transformer.resblocks.'],
  [/^vision_model\.pre_layrnorm\./, 'visual.ln_pre.'],
  [/^vision_model\.post_layernorm\./, 'visual.ln_post.'],
  [/^text_model\.final_layer_norm\./, 'ln_final.'],
  [/\.layer_norm([12])\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
];

function storedAs({ name, shape }: ParameterSpec, patch: readonly number[]): TensorRecipe {
  const [dOut = 0, dIn = 1] = shape;
  const whole = WHOLE.get(name);
  if (whole !== undefined) return { storedName: whole, storedShape: name === LOGIT_SCALE ? [] : shape };
  if (name === `${IMAGE.patches}.weight`) return { storedName: 'visual.conv1.weight', storedShape: [dOut, ...patch] };
  const projection = {
    [`${IMAGE.projection}.weight`]: 'visual.proj',
    [`${TEXT.projection}.weight`]: 'text_projection',
  }[name];
  if (projection !== undefined) {
    return { storedName: projection, storedShape: [dIn, dOut], rearrange: (stored) => transposed(stored, dIn, dOut) };
  }
  const renamed = PARTS.reduce((done, [pattern, by]) => done.replace(pattern, by), name);
  const packed = /^(.*)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(renamed);
  if (packed === null) return { storedName: renamed, storedShape: shape };
  const [, block = '', part = '', kind = ''] = packed;
  const length = dOut * (shape.length === 2 ? dIn : 1);
  const at = 'qkv'.indexOf(part) * length;
  return {
    storedName: `${block}.attn.in_proj_${kind}`,
    storedShape: [3 * dOut, ...shape.slice(1)],
    rearrange: (stored) => stored.slice(at, at + length),
  };
}

/** @throws AssayError where a folder has OpenCLIP's config and not its weights as safetensors. */
export function missingWeights(path: string): AssayError {
  const remedy = 'Save the weights as safetensors (OpenCLIP does so when it uploads a model)';
  return new AssayError('file', `${path}: expected ${OPEN_CLIP_WEIGHTS} beside ${OPEN_CLIP_CONFIG}. ${remedy}.`);
}
