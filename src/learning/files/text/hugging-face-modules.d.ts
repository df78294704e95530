/**
 * The part of @huggingface/tokenizers that Assay uses. Its own declarations import without file extensions, which
 * TypeScript does not resolve under `nodenext`: everything in it would silently be `any`.
 */

declare module '@huggingface/tokenizers' {
  /** A step that splits by a regular expression in Oniguruma's dialect, which it rewrites to JavaScript's. */
  export class SplitPreTokenizer {
    constructor(config: {
      readonly type: 'Split';
      readonly pattern: { readonly Regex: string };
      readonly behavior: 'Isolated';
      readonly invert: boolean;
    });
    readonly pattern: RegExp | null;
  }
}
