"""Writes test/fixtures/gguf-families/tokenizers.json: what tokenizers of GGUF files make of odd texts, by `tokenizer.ggml.pre`.

Run: python test/reference/files-gguf-tokenizers.py [RUNNER LLAMA_CPP]      (tokenizers, sentencepiece, tiktoken)
The byte-level ones have one vocabulary, whose merges were learned without any split, and split as the tokenizer.json of the model that
llama.cpp names them after: each expression stands in a comment of `llama-vocab.cpp`, NFC in GPT-NeoX's class in transformers, Command R's whole in Cohere's. StableLM 2's is also held against tiktoken behind NFC, which is what its own
class (`tokenization_arcade100k.py` in its repository) runs. "spm" is a
SentencePiece model with symbols of its user, as Gemma's. RUNNER prints the ids that llama.cpp gives the texts of a file; how
many are the same is printed. Made with tokenizers 0.23, sentencepiece 0.2. Run after files-tokenizers.py.
"""
import io
import json
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
import tiktoken
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

FIXTURES = Path(__file__).parent.parent / "fixtures"
TEXTS = json.loads((FIXTURES / "tokenizers" / "texts.json").read_text())
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
WORD = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = WORD % ("", "") + r"|\p{N}" + REST
ENDING = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = WORD % (ENDING, ENDING) + r"|\p{N}{1,3}" + REST
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
DIGITS = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), GPT2])


def split(regex):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


KINDS = {"gpt-2": (GPT2, None), "starcoder": (DIGITS, None), "olmo": (GPT2, normalizers.NFC()), "dbrx": (split(LLAMA3), None), "tekken": (split(TEKKEN), None), "gpt-4o": (split(GPT4O), None), "stablelm2": (split(QWEN2), normalizers.NFC()), "command-r": (DIGITS, normalizers.NFC())}


def unsplit():
    """Merges over whole texts, so that every difference of splitting shows."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), max_token_length=4, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 2, trainer)
    return json.loads(tokenizer.to_str())


def byte_level(spec, pre):
    spec["model"]["ignore_merges"] = pre == "tekken"
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    tokenizer.pre_tokenizer = KINDS[pre][0]
    if KINDS[pre][1] is not None:
        tokenizer.normalizer = KINDS[pre][1]
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]


def arcade(tokens):
    """What StableLM 2's own class gives: a token's rank is its id."""
    letters = {letter: byte for byte, letter in letters_of_bytes().items()}
    ranks = {bytes(letters[letter] for letter in token): rank for rank, token in enumerate(tokens)}
    encoding = tiktoken.Encoding("arcade", pat_str=QWEN2, mergeable_ranks=ranks, special_tokens={})
    return [encoding.encode_ordinary(unicodedata.normalize("NFC", text)) for text in TEXTS]


def letters_of_bytes():
    """The letter of every byte in byte-level tokens (GPT-2's table)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def spm():
    corpus = [line for text in TEXTS * 3 for line in text.split("\n") if line] + Path(__file__).read_text().split("\n")
    own = ["<start_of_turn>", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁▁▁▁▁", "<h1>"]
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=out, vocab_size=480, model_type="bpe", byte_fallback=True, add_dummy_prefix=False, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, character_coverage=0.99, minloglevel=2, user_defined_symbols=own)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    size = pieces.get_piece_size()
    tokens, scores = [pieces.id_to_piece(i) for i in range(size)], [pieces.get_score(i) for i in range(size)]
    types = [2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1 for i in range(size)]
    for symbol in own:  # as the converter writes what tokenizer_config.json lists as added
        at = tokens.index(symbol)
        tokens[at], scores[at], types[at] = symbol.replace("▁", " "), -1000.0, 4
    usable = [text for text in TEXTS if not any(special in text for special in ("<s>", "</s>", "<unk>", "\x00", "▁"))]  # SentencePiece alone takes a written ▁ for a space
    usable += ["a  b   c    d" + " " * 19 + "e", "<start_of_turn>user\n\nHi\n\n\n\nthere<h1> x", "\n\n\n\n\n", "  \n\n  <h1>"]
    return {"tokens": tokens, "scores": [float(f"{s:.9g}") for s in scores], "types": types, "texts": usable, "ids": [pieces.encode(text) for text in usable]}


def llama_cpp(expected):
    sys.path.insert(0, str(Path(sys.argv[2]) / "gguf-py"))
    import gguf

    for pre in [*KINDS, "spm"]:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/vocabulary.gguf"
            writer = gguf.GGUFWriter(path, "llama")
            if pre == "spm":
                own = expected["spm"]
                texts, wanted = own["texts"], own["ids"]
                writer.add_tokenizer_model("llama")
                writer.add_token_list(own["tokens"])
                writer.add_token_scores(own["scores"])
                writer.add_token_types(own["types"])
                writer.add_add_space_prefix(False)
            else:
                texts, wanted = TEXTS, expected["byteLevel"][pre]
                writer.add_tokenizer_model("gpt2")
                writer.add_tokenizer_pre(pre)
                writer.add_token_list(expected["tokens"])
                writer.add_token_types([1] * len(expected["tokens"]))
                writer.add_token_merges(expected["merges"])
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            found = []
            for text in texts:
                out = subprocess.run([sys.argv[1], path], input=text.encode(), capture_output=True, check=True)
                found.append([int(i) for i in out.stdout.split()])
            other = [text for text, a, b in zip(texts, found, wanted) if a != b]
            print(f"{pre}: llama.cpp gives {len(texts) - len(other)} of {len(texts)} texts the same ids; not {other[:6]}")


def main():
    spec = unsplit()
    tokens = sorted(spec["model"]["vocab"], key=spec["model"]["vocab"].get)
    merges = [" ".join(pair) for pair in spec["model"]["merges"]]
    expected = {"tokens": tokens, "merges": merges, "byteLevel": {pre: byte_level(spec, pre) for pre in KINDS}, "spm": spm()}
    assert len({json.dumps(ids) for ids in expected["byteLevel"].values()}) == len(KINDS)
    assert arcade(tokens) == expected["byteLevel"]["stablelm2"]
    text = json.dumps(expected, separators=(",", ":"))
    (FIXTURES / "gguf-families" / "tokenizers.json").write_text(text + "\n")
    if len(sys.argv) > 2:
        llama_cpp(expected)


main()
