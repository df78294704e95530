"""Writes test/fixtures/tokenizers/settings.json: what settings of tokenizer_config.json do to ids, by AutoTokenizer.

Made with transformers 5.24. Run after files-tokenizers.py: python test/reference/files-tokenizer-settings.py
"""
import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

FIXTURES = Path(__file__).parent.parent / "fixtures" / "tokenizers"
NAMES = {"bos_token": "er", "eos_token": "<|endoftext|>"}
CASES = [
    ("gpt2", {}),
    ("gpt2", NAMES),
    ("gpt2", {**NAMES, "add_bos_token": True}),
    ("gpt2", {**NAMES, "add_eos_token": True}),
    ("gpt2", {**NAMES, "add_bos_token": True, "add_eos_token": True}),
    ("gpt2", {**NAMES, "add_bos_token": False}),
    ("gpt2", {"add_bos_token": True}),
    ("llama2", {"add_bos_token": False}),
    ("llama2", {"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True, "add_eos_token": True}),
    ("gpt2", {"additional_special_tokens": ["he", "in"]}),
    ("gpt2", {"extra_special_tokens": {"x": "he"}}),
    ("gpt2", {"eos_token": {"__type": "AddedToken", "content": "in", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False}}),
    ("gpt2", {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True}),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False}),
]
TEXTS = ["hello", " in the end ", "he in he", "a\nb", "er<|endoftext|>", "Ünï 😀"]


def main():
    cases = []
    for kind, more in CASES:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(FIXTURES / kind, folder, dirs_exist_ok=True)
            path = Path(folder) / "tokenizer_config.json"
            config = {**json.loads(path.read_text()), **more}
            path.write_text(json.dumps(config))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            ids = [[tokenizer.encode(text), tokenizer.encode(text, add_special_tokens=False)] for text in TEXTS]
            cases.append({"kind": kind, "settings": more, "ids": ids, "special": sorted(tokenizer.all_special_ids)})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (FIXTURES / "settings.json").write_text(f'{{"texts": {json.dumps(TEXTS, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n')


main()
