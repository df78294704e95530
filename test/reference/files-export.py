"""Checks that transformers loads what Assay exports: every model of test/fixtures/models, folders and GGUF files.

Run: python test/reference/files-export.py [--model PATH]      (torch, transformers; node)
Each is exported by files-export-write.ts and loaded here; logits must be those of transformers on the original
(expected.json), tokens those of the original tokenizer. Writes files-export.json: the sha256 of every file that was
seen to load, which the tests compare with what they write. With --model, checks that one alone (its tokenizer
against texts.json, encoded by Assay's own reader) and writes nothing.
"""
import argparse
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
MODELS = FIXTURES / "models"
NAMES = ["llama", "llama3", "qwen2", "qwen3", "gpt2", "llama.gguf", "llama3.gguf", "qwen2.gguf", "qwen3.gguf", "gpt2.gguf"]
LOGITS_TOLERANCE = 2e-6  # expected.json keeps six decimals; llama3.gguf keeps its frequencies as float32 divisors


def export(source, folder):
    subprocess.run(["node", str(HERE / "files-export-write.ts"), str(source), str(folder)], check=True)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_tokenizer(folder, expected):
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    for text, ids in zip(expected["texts"], expected["ids"]):
        assert tokenizer(text)["input_ids"] == ids, (text, tokenizer(text)["input_ids"], ids)
    return len(expected["texts"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    args = parser.parse_args()
    expected = json.loads((MODELS / "expected.json").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        if args.model:
            folder = Path(temporary) / "model"
            export(args.model, folder)
            model = AutoModelForCausalLM.from_pretrained(str(folder))
            tokenizer = AutoTokenizer.from_pretrained(str(folder))
            texts = json.loads((FIXTURES / "tokenizers" / "texts.json").read_text())
            script = "const { openModel } = await import('#learning/files/open-model.ts'); const m = await openModel(process.argv[1]); console.log(JSON.stringify(JSON.parse(process.argv[2]).map((t) => m.tokenizer.encode(t, 'withSpecials'))));"
            output = subprocess.run(["node", "--input-type=module", "-e", script, args.model, json.dumps(texts)], check=True, capture_output=True, text=True, cwd=HERE.parent.parent).stdout
            wrong = [text for text, ids in zip(texts, json.loads(output)) if tokenizer(text)["input_ids"] != ids]
            print(f"{sum(p.numel() for p in model.parameters())} parameters loaded; {len(texts) - len(wrong)} of {len(texts)} texts tokenized alike")
            return
        report = {}
        for name in NAMES:
            folder = Path(temporary) / name
            export(MODELS / name, folder)
            model, info = AutoModelForCausalLM.from_pretrained(str(folder), output_loading_info=True)
            assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
            assert next(model.parameters()).dtype == torch.float32
            wanted = expected[name.removesuffix(".gguf")]
            with torch.no_grad():
                logits = model(torch.tensor([wanted["ids"]])).logits[0, -1]
            difference = float((logits - torch.tensor(wanted["logits"])).abs().max())
            assert difference < LOGITS_TOLERANCE * max(map(abs, wanted["logits"])), (name, difference)
            texts = check_tokenizer(folder, expected["sentencepiece"]) if name == "llama3.gguf" else 0
            print(f"{name}: logits within {difference:.1g}, {texts} texts")
            report[name] = {path.name: digest(path) for path in sorted(folder.iterdir())}
        versions = f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/files-export.py"
        (HERE / "files-export.json").write_text(json.dumps({"source": versions, "sha256": report}, indent=1) + "\n")


if __name__ == "__main__":
    main()
