"""What transformers' `generate` says, greedily, for the tiny models of test/fixtures/models.

Run: python test/reference/generation.py      (torch, transformers)
Writes generation.json beside itself: for each model some prompts (lists of token ids) and, for each, the tokens that
`generate(do_sample=False, max_new_tokens=24)` adds in float32. Each prompt is given alone, without padding, so that
nothing depends on how a batch is padded. `eos_token_id` is a token that greedy text reaches in one of the prompts (the
one it produced there at step 9, removed from the reply as everything after it is), so that stopping is seen too.
`margin` is the smallest difference between the two largest logits on the way: the tokens are only a fair demand of
float32 arithmetic in another order where it is well above rounding.
"""

import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent / "fixtures" / "models"
NEW_TOKENS = 24
STOP_STEP = 9


def prompts(vocabulary, generator):
    return [torch.randint(3, vocabulary, (length,), generator=generator).tolist() for length in (1, 5, 12, 33)]


def greedy(model, prompt, eos):
    with torch.no_grad():
        out = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=NEW_TOKENS,
            eos_token_id=eos,
            pad_token_id=0,
            output_logits=True,
            return_dict_in_generate=True,
        )
    top = torch.stack(out.logits).topk(2).values
    tokens = out.sequences[0, len(prompt) :].tolist()
    return tokens, float((top[..., 0] - top[..., 1]).min())


def main():
    made = {"source": f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/generation.py"}
    for name in ("gpt2", "llama", "llama3", "qwen2", "qwen3"):
        model = AutoModelForCausalLM.from_pretrained(str(MODELS / name), dtype=torch.float32).eval()
        generator = torch.Generator().manual_seed(1)
        cases = []
        for prompt in prompts(model.config.vocab_size, generator):
            tokens, margin = greedy(model, prompt, None)
            cases.append({"prompt": prompt, "tokens": tokens, "margin": float(f"{margin:.3g}")})
        stop = cases[1]["tokens"][STOP_STEP]
        stopped = [greedy(model, case["prompt"], stop)[0] for case in cases]
        made[name] = {
            "cases": cases,
            "stop": stop,
            "stopped": [tokens[: tokens.index(stop)] if stop in tokens else tokens for tokens in stopped],
        }
    (HERE / "generation.json").write_text(json.dumps(made, indent=0) + "\n")


main()
