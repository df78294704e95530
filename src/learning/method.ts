/** Which parameters a finetuning trains: all, the hidden matrices, or a low-rank adapter on a frozen base. */
import { adaptedModules, loraParameters, withLora, type LoraConfig } from '#learning/lora.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { expertModules, linearModules, transformerParameters } from '#learning/models/parameters.ts';
import { feedLayers, type Layers, type ParameterSpec } from '#learning/nn/layers.ts';

/** `matrices` trains the weights of the linear layers alone, which is what Muon is for. */
export type Method =
  | { readonly kind: 'full' }
  | { readonly kind: 'matrices' }
  | ({ readonly kind: 'lora' } & LoraConfig);

/** A model under a method. */
export interface TrainedModel {
  readonly layers: Layers;
  /** The base model's parameters, trained or not. */
  readonly base: readonly ParameterSpec[];
  /** What the optimizer moves: base parameters, or the adapter's own. */
  readonly trained: readonly ParameterSpec[];
}

/** The layers and the trained parameters of a model under a method. @throws AssayError on modules the model lacks. */
export function applyMethod(method: Method, config: TransformerConfig): TrainedModel {
  const base = transformerParameters(config);
  const layers = feedLayers(base);
  switch (method.kind) {
    case 'full':
      return { layers, base, trained: base };
    case 'matrices':
      return { layers, base, trained: base.filter(({ role }) => role === 'matrix') };
    case 'lora': {
      const trained = loraParameters(
        method,
        adaptedModules(method, linearModules(config), expertModules(config)),
        base,
      );
      return { layers: withLora(layers, method, trained), base, trained };
    }
    default:
      return method satisfies never;
  }
}
