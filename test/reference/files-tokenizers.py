"""Writes test/fixtures/tokenizers: tiny tokenizers of the kinds in use, and what transformers makes of many texts.

The corpus is this file and its texts, so nothing outside the repository is used.
Made with tokenizers 0.23, transformers 5.23. Run: python test/reference/files-tokenizers.py
"""
import json
import random
import shutil
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

OUT = Path(__file__).parent.parent / "fixtures" / "tokenizers"

GPT2_LIKE = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
LLAMA3_REGEX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2_REGEX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

TEXTS = [
    "Hello world", " leading", "trailing ", "  two  spaces  ", "a\tb\t\tc", "line\nline\n\nline\r\nend", "\n", " ", "   \n  x",
    "It's, they'RE, I'D, we'll'S 'm", "\u017fs '\u017f KELVIN '\u212a", "0 1 12 123 1234 12345678 3.14 ٣٤٥ ²³ Ⅷ ½", "émigré naïve e\u0301 Å A\u030a ﬁ",
    "日本語のテキスト、中国語文本。한국어", "Привет мир ΑΒΓ עברית العربية हिन्दी ไทย", "😀 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽 e\ufe0f", "a\u00a0b\u2003c\u3000d\u2028e\u0085f\u200bg\ufeffh",
    "\ufeffstart", "\x00\x01\x7f\x80", "x = {'a': [1, 2]};  // done\n\tif (y != z) { return; }", "https://example.org/?q=1&r=%20#top", "!!! ... ?! -- — – “quoted” ‘x’",
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>a<|im_end|><|im_end|>b", " <|im_end|> ", "<|im_end", "</s><s>", "a<s> b</s> c", "<unk>", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚 𠮷野家",
    "word" * 40, " " * 40, "ab" * 3 + "\n" * 5, "▁lower▁bar", "\u2581", "I\u0307stanbul ß ẞ ǆ", "\u1100\u1161\u11a8 각", "\U0001f468\u200d\U0001f4bb's code", "tab\u000bvt\u000cff\u001cfs", "'", "''", "n't 've d'ét",
    "The quick brown fox jumps over the lazy dog. The five boxing wizards jump quickly.", "lorem ipsum dolor sit amet", "<0x41> <0x0A>", "a" , "é", "\u0301",
]


def random_texts(count: int) -> list[str]:
    rng = random.Random(0)
    alphabet = list("abcdehilnorst ESTH  \n\t'.,!0123456789") + list("éüñßſ日本語한абвعر😀👍🏽\u200d\u00a0\u3000\u0301\u2581▁") + ["<|im_end|>", "</s>", "'s", "'LL", "\r\n", " the", "ing "]
    return ["".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 30))) for _ in range(count)]


def corpus() -> list[str]:
    # Common Arabic letters teach a merge of a space with the first byte of an Arabic digit: see the text with ٣٤٥.
    return [Path(__file__).read_text(), *TEXTS, *random_texts(200), " ".join("لمنهيوف" * 20)]


def byte_level(pre_tokenizer, normalizer=None, ignore_merges=False, size=420) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    if ignore_merges:
        spec = json.loads(tokenizer.to_str())
        spec["model"]["ignore_merges"] = True
        spec["model"]["vocab"]["Ġwizards"] = len(spec["model"]["vocab"])  # a token no merge reaches
        tokenizer = Tokenizer.from_str(json.dumps(spec))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False)])
    return tokenizer


def split_then_bytes(regex: str):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sentencepiece_like(metaspace: bool) -> Tokenizer:
    """Llama 2: BPE with byte fallback; spaces become U+2581, by normalizer (as converted first) or by Metaspace (now)."""
    pieces = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    specials = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)]]
    pieces.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=480, special_tokens=specials, limit_alphabet=60, show_progress=False))
    spec = json.loads(pieces.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["id"] < 3]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    else:
        spec["pre_tokenizer"] = None
        tokenizer = Tokenizer.from_str(json.dumps(spec))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(corpus(), trainers.UnigramTrainer(vocab_size=300, special_tokens=["<unk>", "<eos>"], unk_token="<unk>", show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    kinds = {
        "gpt2": (byte_level(GPT2_LIKE), dict(eos_token="<|endoftext|>")),
        "smollm": (byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), GPT2_LIKE]), size=900), dict(eos_token="<|im_end|>", bos_token="<|im_start|>")),
        "llama3": (byte_level(split_then_bytes(LLAMA3_REGEX), ignore_merges=True), dict(eos_token="<|im_end|>")),
        "qwen2": (byte_level(split_then_bytes(QWEN2_REGEX), normalizers.NFC()), dict(eos_token="<|im_end|>")),
        "llama2": (sentencepiece_like(metaspace=False), dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")),
        "llama2-metaspace": (sentencepiece_like(metaspace=True), dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")),
        "unigram": (unigram(), dict(eos_token="<eos>", unk_token="<unk>")),
    }
    texts = TEXTS + random_texts(60)
    for name, (tokenizer, names) in kinds.items():
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **names)
        folder = OUT / name
        fast.save_pretrained(str(folder))
        rows = []
        for text in texts:
            ids = fast(text)["input_ids"]
            rows.append([ids, fast.decode(ids), fast.decode(ids, skip_special_tokens=True)])
        plain = [fast(text, add_special_tokens=False)["input_ids"] for text in texts]
        lines = [json.dumps({"ids": i, "plain": p if p != i else None, "decoded": d, "withoutSpecials": w if w != d else None}, ensure_ascii=True, separators=(",", ":")) for (i, d, w), p in zip(rows, plain)]
        rng = random.Random(1)
        soups = [[rng.randrange(len(fast)) for _ in range(rng.randrange(1, 12))] for _ in range(60)]  # what a model may sample
        lines += [json.dumps({"ids": ids, "decoded": fast.decode(ids), "withoutSpecials": fast.decode(ids, skip_special_tokens=True)}, separators=(",", ":")) for ids in soups]
        (folder / "expected.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    (OUT / "texts.json").write_text(json.dumps(texts, indent=0) + "\n")


main()
