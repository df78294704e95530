/**
 * The parts of @huggingface/tokenizers that Assay uses. Its own declarations import without file extensions,
 * which TypeScript does not resolve under `nodenext`: everything in it would silently be `any`.
 */

declare module '@huggingface/tokenizers' {
  /** A step of decoding: tokens in, pieces of text out. */
  export class Decoder {
    decode_chain(tokens: string[]): string[];
  }
  export class ByteFallbackDecoder extends Decoder {
    /** Present on this decoder alone, which keeps the class apart from its base. */
    readonly text_decoder: { decode(bytes: Uint8Array): string };
  }
  export class SequenceDecoder extends Decoder {
    readonly decoders: readonly Decoder[];
  }
  export class Tokenizer {
    constructor(tokenizerJson: object, config: object);
    readonly decoder: Decoder | null;
    /** Ids may be undefined when a token is unknown and the model has no unknown token. */
    encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
    decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
    token_to_id(token: string): number | undefined;
    id_to_token(id: number): string | undefined;
  }
}
