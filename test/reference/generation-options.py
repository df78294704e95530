"""What every option of a model's generation_config.json does to an ordinary `generate` of transformers.

Run: python test/reference/generation-options.py      (torch, transformers)
Writes generation-options.json beside itself: `fields`, the attributes of GenerationConfig with the values that hold where
neither file nor call says one (null: none); `probes`, for some values of each field, what a tiny model of
test/fixtures/models replies where its generation_config.json gains that one line, greedily and by sampling under one
seed: `same` as without it, `changes`, or `refused`. `configJson` says the same of a config.json in a folder without
generation_config.json. Replies end at a token that greedy text reaches, so that what moves the end is seen.
"""

import json
import pathlib
import shutil
import tempfile
import warnings

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parent / "fixtures" / "models" / "llama"
NEW_TOKENS = 16
PROMPTS = [[3, 17, 5, 3, 17], [9, 2, 30, 11, 4, 9, 2], [21]]
NEED_A_TOKENIZER = ("stop_strings", "token_healing")
METADATA = ("_from_model_config", "transformers_version", "_commit_hash", "_original_object_hash")


def reply(folder, prompt, **call):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor([prompt])
    with torch.no_grad():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), **call)
    sequences = out if isinstance(out, torch.Tensor) else out.sequences
    return sequences[0, len(prompt) :].tolist()


class Folder:
    """A copy of the model whose generation_config.json, or config.json, can be written."""

    def __init__(self, root, name):
        self.path = pathlib.Path(root) / name
        shutil.copytree(MODEL, self.path)
        for old in self.path.glob("generation_config.json"):
            old.unlink()
        self.config = json.loads((self.path / "config.json").read_text())
        self.plain = {}

    def write(self, options, into):
        content = options if into == "generation_config.json" else {**self.config, **options}
        (self.path / into).write_text(json.dumps(content))


def replies(folder, options, into, field=None):
    folder.write(options, into)
    call = {"tokenizer": AutoTokenizer.from_pretrained(MODEL)} if field in NEED_A_TOKENIZER else {}
    return [reply(folder.path, prompt, **call) for prompt in PROMPTS]


def outcome(folder, field, value, base, into):
    """What one line does, greedily and sampled. Beside `max_length` nothing else may say how long a reply is."""
    said = []
    for sampled in (False, True):
        options = {**base, "do_sample": sampled}
        if field == "max_length":
            options = {name: value for name, value in options.items() if name != "max_new_tokens"}
            options["max_length"] = folder.config["max_position_embeddings"]
        key = json.dumps(options)
        if key not in folder.plain:
            folder.plain[key] = replies(folder, options, into)
        try:
            changed = replies(folder, {**options, field: value}, into, field)
            said.append("same" if changed == folder.plain[key] else "changes")
        except Exception:
            said.append("refused")
    return said


def probes(e, first, begin, text, context):
    """Values of each field: those that change nothing and those that may. `e` ends replies, `begin` and `first` are greedy tokens, `text` the latter's."""
    ngram = [[first]]
    return {
        "max_length": [context, 9, 0, -1],
        "max_new_tokens": [NEW_TOKENS, 4, 0, -2],
        "min_length": [0, 14],
        "min_new_tokens": [0, 12],
        "early_stopping": [False, True, "never", "sometimes"],
        "max_time": [1e-9],
        "stop_strings": [[text], text],
        "do_sample": [False, True],
        "num_beams": [1, 3, 0],
        "use_mtp": [False, True],
        "use_cache": [True, False],
        "cache_implementation": ["dynamic", "static", "hybrid", "sliding_window", "unheard_of"],
        "cache_config": [{"backend": "quanto"}],
        "max_cache_len": [64],
        "temperature": [1.0, 0.5, 0.0, -1.0, "hot"],
        "top_k": [50, 2, 0, -1, 2.5],
        "top_p": [1.0, 0.3, 0.0, 1.5, -0.1],
        "min_p": [0.0, 0.5, 1.5],
        "top_h": [0.3, 1.5],
        "typical_p": [1.0, 0.2, 1.5],
        "epsilon_cutoff": [0.0, 0.5, 1.5],
        "eta_cutoff": [0.0, 0.9, 1.5],
        "repetition_penalty": [1.0, 5.0, -1.0],
        "encoder_repetition_penalty": [1.0, 5.0],
        "length_penalty": [1.0, 4.0],
        "no_repeat_ngram_size": [0, 1],
        "bad_words_ids": [ngram, []],
        "renormalize_logits": [False, True],
        "forced_bos_token_id": [7],
        "forced_eos_token_id": [7],
        "remove_invalid_values": [False, True],
        "exponential_decay_length_penalty": [[1, 50.0]],
        "suppress_tokens": [[first], []],
        "begin_suppress_tokens": [[begin], []],
        "sequence_bias": [[[[first], -50.0]]],
        "token_healing": [False, True],
        "guidance_scale": [1.0, 3.0],
        "watermarking_config": [{"bias": 20.0}],
        "num_return_sequences": [1, 2],
        "output_attentions": [False, True],
        "output_hidden_states": [False, True],
        "output_scores": [False, True],
        "output_logits": [False, True],
        "return_dict_in_generate": [False, True],
        "pad_token_id": [0, 5, -1],
        "bos_token_id": [1, 5],
        "eos_token_id": [e, [e], first, "end", -1],
        "encoder_no_repeat_ngram_size": [0, 1],
        "decoder_start_token_id": [5],
        "is_assistant": [False, True],
        "num_assistant_tokens": [5],
        "num_assistant_tokens_schedule": ["heuristic"],
        "assistant_confidence_threshold": [0.9],
        "prompt_lookup_num_tokens": [3],
        "max_matching_ngram_size": [3],
        "assistant_early_exit": [1],
        "assistant_lookbehind": [3],
        "target_lookbehind": [3],
        "assistant_ensemble_weight": [0.5, 2.0],
        "speculation_type": ["dflash"],
        "compile_config": [{"dynamic": True}],
        "disable_compile": [True],
        "continuous_batching_config": [{}],
        "low_memory": [True],
        "penalty_alpha": [0.6],
        "dola_layers": ["low"],
        "diversity_penalty": [0.0, 0.5],
        "num_beam_groups": [1, 2],
        "constraints": [[]],
        "force_words_ids": [ngram],
        "prefill_chunk_size": [2],
        "transformers_version": ["5.0.0"],
        "_from_model_config": [True],
        "unheard_of": [1],
    }


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    made = GenerationConfig()
    defaults = made._get_default_generation_params()
    fields = {name: defaults.get(name) for name in sorted(vars(made)) if name not in METADATA}
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(root, "model")
        folder.write({"max_new_tokens": NEW_TOKENS, "pad_token_id": 0, "eos_token_id": None}, "generation_config.json")
        free = reply(folder.path, PROMPTS[0])
        end, first = free[8], free[2]
        text = AutoTokenizer.from_pretrained(MODEL).decode([first])
        base = {"max_new_tokens": NEW_TOKENS, "pad_token_id": 0, "eos_token_id": end}
        asked = probes(end, first, free[0], text, folder.config["max_position_embeddings"])
        missing = sorted(set(fields) - set(asked))
        assert not missing, f"no probe of {missing}"
        found = {}
        for part, into in (("probes", "generation_config.json"), ("configJson", "config.json")):
            folder = Folder(root, part)
            found[part] = []
            for field, values in asked.items():
                if part == "configJson" and field not in defaults:
                    continue
                for value in values:
                    greedy, sampled = outcome(folder, field, value, base, into)
                    found[part].append({"field": field, "value": value, "greedy": greedy, "sampled": sampled})
                    print(part, field, value, greedy, sampled, flush=True)
    source = f"transformers {transformers.__version__}, torch {torch.__version__}; test/reference/generation-options.py"
    (HERE / "generation-options.json").write_text(
        "{\n"
        + f'"source": {json.dumps(source)},\n"newTokens": {NEW_TOKENS},\n"end": {end},\n"fields": {json.dumps(fields)},\n'
        + ",\n".join(f'"{part}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for part, rows in found.items())
        + "\n}\n"
    )


main()
