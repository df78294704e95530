"""Writes tiktoken-ranks.json: what tiktoken makes of texts, given ranks and the special tokens of StableLM 2's own class.

Run: python test/reference/tiktoken-ranks.py      (tiktoken; after files-gguf-tokenizers.py)
The ranks are the tokens of test/fixtures/gguf-families/tokenizers.json, which were learned without any split; texts are those of
the other tokenizers, and random ones of few letters, signs, accents that are not composed, and special tokens. What the class
does is `tokenization_arcade100k.py` in the model's repository: NFC, then tiktoken with every special token allowed.
"""
import importlib.metadata
import json
import random
import unicodedata
from pathlib import Path

import tiktoken

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIALS = """<|endoftext|> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <gh_stars> <filename> <issue_start> <issue_comment> <issue_closed>
<jupyter_start> <jupyter_text> <jupyter_code> <jupyter_output> <empty_output> <commit_before> <commit_msg> <commit_after> <reponame> <|endofprompt|>
<|im_start|> <|im_end|> <|pause|> <|reg0|> <|reg1|> <|reg2|> <|reg3|> <|reg4|> <|reg5|> <|reg6|> <|reg7|> <|extra0|>""".split()
FIRST = 100257
PARTS = ["a", "aa", "b", "ab", "e\u0301", "\u00e9", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "1", "23", "456", ".", "!?", "the", " and", "ing", "\u65e5\u672c", "\U0001f600", "\u0e01\u0e33", "A\u030a", "\u212b", *SPECIALS]


def bytes_of(token):
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in shown]
    letters = {chr(byte): byte for byte in shown} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return bytes(letters[letter] for letter in token)


def main():
    tokens = json.loads((FIXTURES / "gguf-families" / "tokenizers.json").read_text())["tokens"]
    ranks = {bytes_of(token): rank for rank, token in enumerate(tokens)}
    encoding = tiktoken.Encoding("arcade", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={name: FIRST + i for i, name in enumerate(SPECIALS)})
    rng = random.Random(1)
    texts = json.loads((FIXTURES / "tokenizers" / "texts.json").read_text())
    texts += ["".join(rng.choice(PARTS) for _ in range(rng.randint(1, 14))) for _ in range(300)]
    texts += ["".join(rng.choice("aabe ") for _ in range(rng.randint(3, 30))) for _ in range(100)]
    cases = [[text, encoding.encode(unicodedata.normalize("NFC", text), allowed_special="all", disallowed_special=())] for text in texts]
    decoded = [encoding.decode(ids) for _, ids in cases]
    assert all(unicodedata.normalize("NFC", text) == again for (text, _), again in zip(cases, decoded))
    source = f"tiktoken {importlib.metadata.version('tiktoken')}; test/reference/tiktoken-ranks.py"
    (HERE / "tiktoken-ranks.json").write_text(json.dumps({"source": source, "cases": cases}, separators=(",", ":")) + "\n")
    print(len(cases), "texts", sum(len(ids) for _, ids in cases), "ids")


main()
