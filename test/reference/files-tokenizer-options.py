"""Writes test/fixtures/tokenizers/options.json: what single options of tokenizer.json do to ids and text.

A case takes the tokenizer.json of a fixture folder, replaces some of its parts, and encodes and decodes some texts with
the `tokenizers` library. Made with tokenizers 0.23.3. Run after files-tokenizers.py:
python test/reference/files-tokenizer-options.py
"""
import base64
import json
import random
import struct
from pathlib import Path

from tokenizers import Tokenizer

FIXTURES = Path(__file__).parent.parent / "fixtures" / "tokenizers"

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
RAW_BYTES = {**BYTES, "use_regex": False}
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def split(pattern, behavior, invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def then_bytes(*steps):
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [*steps, RAW_BYTES]}}


def added(content, index, **flags):
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": index, "content": content, **base, **flags}


def charsmap(entries):
    """A SentencePiece character map: a double-array trie with at most one entry below each first byte, so it is easy to place."""
    blob, offsets = b"", {}
    for key, value in entries.items():
        offsets[key.encode()] = len(blob)
        blob += value.encode() + b"\0"
    units, used = {}, {0}
    def place(node, keys, depth):
        children = sorted({k[depth] for k in keys if len(k) > depth})
        ends = [k for k in keys if len(k) == depth]
        labels = children + ([0] if ends else [])
        base = 256
        while any((base ^ label) in used for label in labels) or base in used:
            base += 256 if not ends else 1
        units[node] = (units.get(node, 0) & 0xFF) | ((node ^ base) << 10) | (0x100 if ends else 0)
        used.add(base)
        if ends:
            units[base] = 0x80000000 | offsets[ends[0]]
        for child in children:
            units[base ^ child] = child
            used.add(base ^ child)
        for child in children:
            place(base ^ child, [k for k in keys if len(k) > depth and k[depth] == child], depth + 1)
    place(0, list(offsets), 0)
    array = [units.get(i, 0) for i in range(max(units) + 256)]
    packed = struct.pack(f"<{len(array)}I", *array)
    return base64.b64encode(struct.pack("<I", len(packed)) + packed + blob).decode()


SPLITS = [(f"split {b}{' inverted' if i else ''} by {list(p.values())[0]!r}", "gpt2", then_bytes(split(p, b, i)))
          for b in ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
          for i in (False, True) for p in ({"String": " "}, {"Regex": r"\s+"}, {"Regex": r"[aeiou]"})]
CASES = SPLITS + [
    ("regex of llama 3", "gpt2", then_bytes(split({"Regex": LLAMA3}, "Isolated"))),
    ("regex of o200k", "gpt2", then_bytes(split({"Regex": O200K}, "Isolated"))),
    ("prefix space", "gpt2", {"pre_tokenizer": {**BYTES, "add_prefix_space": True}}),
    ("no regex", "gpt2", {"pre_tokenizer": RAW_BYTES}),
    ("digits", "gpt2", then_bytes({"type": "Digits", "individual_digits": True})),
    ("runs of digits", "gpt2", then_bytes({"type": "Digits", "individual_digits": False})),
    ("punctuation", "gpt2", then_bytes({"type": "Punctuation", "behavior": "Isolated"})),
    ("punctuation contiguous", "gpt2", then_bytes({"type": "Punctuation", "behavior": "Contiguous"})),
    ("punctuation merged", "gpt2", then_bytes({"type": "Punctuation", "behavior": "MergedWithPrevious"})),
    ("words", "gpt2", then_bytes({"type": "Whitespace"})),
    ("between white space", "gpt2", then_bytes({"type": "WhitespaceSplit"})),
    ("at a character", "gpt2", then_bytes({"type": "CharDelimiterSplit", "delimiter": "e"})),
    ("as BERT", "gpt2", then_bytes({"type": "BertPreTokenizer"})),
    ("fixed length", "gpt2", then_bytes({"type": "FixedLength", "length": 3})),
    ("added tokens", "gpt2", {"added_tokens": [added("<a>", 900), added("he", 901, single_word=True), added("<l>", 902, lstrip=True), added("<r>", 903, rstrip=True), added("<b>", 904, lstrip=True, rstrip=True, special=True), added("<a>b", 905)]}),
    ("added normalized", "gpt2", {"normalizer": {"type": "Lowercase"}, "added_tokens": [added("<A>", 900, normalized=True), added("<R>", 901), added("He", 902, normalized=True, single_word=True)]}),
    ("NFC", "gpt2", {"normalizer": {"type": "NFC"}}),
    ("NFD", "gpt2", {"normalizer": {"type": "NFD"}}),
    ("NFKC", "gpt2", {"normalizer": {"type": "NFKC"}}),
    ("NFKD", "gpt2", {"normalizer": {"type": "NFKD"}}),
    ("lowercase", "gpt2", {"normalizer": {"type": "Lowercase"}}),
    ("strip", "gpt2", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}}),
    ("strip left", "gpt2", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": False}}),
    ("accents", "gpt2", {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}}),
    ("prepend", "gpt2", {"normalizer": {"type": "Prepend", "prepend": "_$1"}}),
    ("replace", "gpt2", {"normalizer": {"type": "Replace", "pattern": {"Regex": "[aeiou]+"}, "content": "$&"}}),
    ("replace text", "gpt2", {"normalizer": {"type": "Replace", "pattern": {"String": "."}, "content": "!"}}),
    ("BERT normalizer", "gpt2", {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}}),
    ("BERT normalizer, case kept", "gpt2", {"normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": True, "lowercase": False}}),
    ("character map", "gpt2", {"normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap({"\u00e9": "e", "\uff21": "A", "\n": " ", "\u200b": "", "\u2122": "TM"})}}),
    ("metaspace always", "llama2-metaspace", {"pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": False}}),
    ("metaspace first", "llama2-metaspace", {"pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}}),
    ("metaspace never", "llama2-metaspace", {"pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split": True}, "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split": True}]}}),
    ("metaspace decoder", "llama2-metaspace", {"decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}}),
    ("no byte fallback, unknown fused", "llama2", {"model": {"byte_fallback": False, "fuse_unk": True}}),
    ("no byte fallback, unknown apart", "llama2", {"model": {"byte_fallback": False, "fuse_unk": False}}),
    ("ignore merges", "gpt2", {"model": {"ignore_merges": True}}),
    ("unigram with byte fallback", "unigram", {"model": {"byte_fallback": True}}),
    ("unigram over whole texts", "unigram", {"pre_tokenizer": None}),
    ("around", "gpt2", {"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "X", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "Y", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"X": {"id": "X", "ids": [1, 2], "tokens": ["a", "b"]}, "Y": {"id": "Y", "ids": [3], "tokens": ["c"]}}}}),
    ("around as BERT", "gpt2", {"post_processor": {"type": "BertProcessing", "sep": ["x", 5], "cls": ["y", 6]}}),
    ("around twice", "gpt2", {"post_processor": {"type": "Sequence", "processors": [BYTES, {"type": "RobertaProcessing", "sep": ["x", 5], "cls": ["y", 6], "trim_offsets": True, "add_prefix_space": False}]}}),
    ("strip decoder", "llama2", {"decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}}),
    ("no decoder", "llama2", {"decoder": None}),
    ("word pieces", "gpt2", {"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 12, "vocab": {t: i for i, t in enumerate(["[UNK]", "the", "he", "##llo", "##l", "##o", "w", "##or", "##ld", ".", ",", "a", "##b", "##c", "do", "not", "1", "##2"])}}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "normalizer": {"type": "Lowercase"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}, "added_tokens": []}),
    ("word level", "gpt2", {"model": {"type": "WordLevel", "unk_token": "?", "vocab": {t: i for i, t in enumerate(["?", "hello", "world", "Hello", "the", ".", "not"])}}, "pre_tokenizer": {"type": "Whitespace"}, "decoder": None, "added_tokens": []}),
    ("pairs with prefix and suffix", "gpt2", {"model": {"type": "BPE", "dropout": None, "unk_token": "[U]", "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": {t: i for i, t in enumerate(["[U]", "h", "e", "l", "o", "o</w>", "l</w>", "he", "ll", "llo</w>", "d</w>", "t"])}, "merges": [["h", "e"], ["l", "l"], ["ll", "o</w>"]]}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}, "added_tokens": []}),
]

PIECES = ["hello", "Hello", " world", "the ", " he", "he", "  ", "\n", "\t", "\r\n", "<a>", "<A>", "<l>", " <l>", "<r> ", " <b> ", "<a>b", "<R>", "<r>", "é", "e\u0301", "Ünï", "中文", "😀", "a", "1234", " 12", "²", "Ⅷ", "½", ".", ",", "!?", " do not", "n't", "'S", "'ſ", "K", "it's", "ΑΣ", "İ", "\u00a0", "\u3000", "\u200b", "\u0085", "\ufeff", "\u2581", "™", "Ａ", "<0x41>", "_", "—", "\u0301", "ﬁ", "\x01", "\u1680", "\u200d"]


def texts():
    rng = random.Random(5)
    return ["", " ", "hello", *PIECES, *("".join(rng.choice(PIECES) for _ in range(rng.randrange(2, 12))) for _ in range(30))]


def patched(base, patch):
    out = {**base, **patch}
    if "model" in patch:
        out["model"] = patch["model"] if "type" in patch["model"] else {**base["model"], **patch["model"]}
    return out


def main():
    all_texts = texts()
    cases = []
    for name, kind, patch in CASES:
        base = json.loads((FIXTURES / kind / "tokenizer.json").read_text())
        tokenizer = Tokenizer.from_str(json.dumps(patched(base, patch)))
        for token in patch.get("added_tokens", []):
            token["id"] = tokenizer.token_to_id(token["content"])  # whatever id the file gives
        rows = []
        for text in all_texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            row = [ids, tokenizer.decode(ids, skip_special_tokens=False) if ids else ""]
            if name == "added normalized":
                row[1] = None  # how such a token is written back differs between versions of the library
            around = tokenizer.encode(text, add_special_tokens=True).ids
            rows.append(row if around == ids else [*row, around])
        cases.append({"name": name, "kind": kind, "patch": patch, "rows": rows})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (FIXTURES / "options.json").write_text(f'{{"texts": {json.dumps(all_texts, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n')


main()
