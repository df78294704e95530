/** A trained autoencoder in the place of what it reconstructs: an edit of a model's site. */
import type { SiteEdit } from '#learning/nn/sites.ts';

import type { WholeSaeConfig } from './sae-config.ts';
import { saeTensors } from './sae-graph.ts';
import { parameterInputs } from './sae-trainer.ts';

/** The input that a spliced autoencoder's parameter is read from: bind `sae.weights` under these names. */
export function spliceInput(parameter: string): string {
  return `sae ${parameter}`;
}

/** The site's reconstruction instead of the site. The model's program gets the inputs `spliceInput(name)` of the parameters. */
export function spliceSae(config: WholeSaeConfig): SiteEdit {
  const parameter = parameterInputs(config, spliceInput);
  return (x) => saeTensors(config, parameter, x, 'reading').reconstruction;
}
