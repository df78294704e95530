"""Writes test/fixtures/gguf-families: tiny models of the families that GGUF files hold, converted by llama.cpp's own converter.

Run: python test/reference/files-gguf-families.py LLAMA_CPP [RUNNER [FILE ...]]      (torch, transformers)
LLAMA_CPP is a checkout of llama.cpp, or the folder of that name in the source package of llama-cpp-python. RUNNER is a program that
prints the logits of the last token, one a line: RUNNER model.gguf VOCABULARY id id ...; with it llama.cpp's own logits, on float32
files, are written beside those of transformers. With files named, only these are made, so that the others keep their numbers.

expected.json gives for each file the logits of the last token. Weights are those of family-models.py rounded to half precision,
so that the files keep them. Made with transformers 5.24, llama.cpp 0.5.0.
"""
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

LLAMA_CPP, RUNNER, CHOSEN = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None, sys.argv[3:]
sys.path[:0] = [str(Path(__file__).parent), str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
models = importlib.import_module("family-models")
import conversion  # noqa: E402
import gguf  # noqa: E402

OUT = Path(__file__).parent.parent / "fixtures" / "gguf-families"
IDS = models.TOKENS[0]
SMALL = dict(vocab_size=models.VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, intermediate_size=20, max_position_embeddings=64)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, rope_theta=10000.0)


def rope(kind="default", theta=50000.0, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=theta, **more))


# Each a file: the model's config, and where it matters the architecture that the converter is told.
CASES = {
    "mistral": dict(model_type="mistral", **SMALL, head_dim=12, sliding_window=None, tie_word_embeddings=True, **rope()),
    "llama-yarn": dict(model_type="llama", **SMALL, attention_bias=True, mlp_bias=True, rope_parameters=YARN),
    "mistral3": dict(model_type="mistral", **SMALL, head_dim=8, sliding_window=None, **rope()),
    "smollm3": dict(model_type="smollm3", **SMALL | dict(num_hidden_layers=4), pad_token_id=0, **rope()),
    "granite": dict(model_type="granite", **SMALL, attention_bias=True, mlp_bias=True, embedding_multiplier=6.0, logits_scaling=4.0, residual_multiplier=0.22, attention_multiplier=0.2, **rope()),
    "granite-plain": dict(model_type="granite", **SMALL, tie_word_embeddings=True, **rope("linear", factor=4.0)),
    "qwen2-yarn": dict(model_type="qwen2", **SMALL, rope_parameters=YARN),
    "qwen3-linear": dict(model_type="qwen3", **SMALL, head_dim=12, tie_word_embeddings=True, **rope("linear", factor=4.0)),
    "mixtral": dict(model_type="mixtral", **SMALL | dict(intermediate_size=12), num_local_experts=3, num_experts_per_tok=2, sliding_window=None, **rope()),
    "qwen3moe": dict(model_type="qwen3_moe", **SMALL, head_dim=12, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12, norm_topk_prob=True, tie_word_embeddings=True, **rope()),
    "gemma": dict(model_type="gemma", **SMALL, head_dim=12, hidden_activation="gelu_pytorch_tanh", **rope(theta=10000.0)),
    "gemma2": dict(model_type="gemma2", **SMALL, head_dim=12, query_pre_attn_scalar=12, sliding_window=4, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    "gemma3": dict(model_type="gemma3_text", **SMALL | dict(num_hidden_layers=6, intermediate_size=12), head_dim=8, query_pre_attn_scalar=8, sliding_window=3, rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1000000.0), sliding_attention=dict(rope_type="default", rope_theta=5000.0))),
    "olmo2": dict(model_type="olmo2", **SMALL, pad_token_id=0, eos_token_id=1, **rope()),
    "olmo3": dict(model_type="olmo3", **SMALL | dict(num_hidden_layers=4), pad_token_id=0, eos_token_id=1, sliding_window=3, rope_parameters=dict(full_attention=YARN | dict(rope_theta=500000.0), sliding_attention=dict(rope_type="default", rope_theta=500000.0))),
    "phi3": dict(model_type="phi3", **SMALL, pad_token_id=0, sliding_window=4, **rope()),
    "phi3-longrope": dict(model_type="phi3", **SMALL | dict(hidden_size=32, max_position_embeddings=1024), pad_token_id=0, original_max_position_embeddings=512, **rope("longrope", partial_rotary_factor=0.5, short_factor=[1.0, 1.3, 1.6, 1.9], long_factor=[2.0, 3.0, 4.0, 5.0], original_max_position_embeddings=512)),
    "gptneox": dict(model_type="gpt_neox", **SMALL, **rope(theta=10000.0, partial_rotary_factor=0.5)),
    "gptneox-serial": dict(model_type="gpt_neox", **SMALL, use_parallel_residual=False, **rope(theta=10000.0, partial_rotary_factor=1.0)),
    "stablelm": dict(model_type="stablelm", **SMALL, use_qkv_bias=True, **rope(theta=10000.0, partial_rotary_factor=0.25)),
    "stablelm-parallel": dict(model_type="stablelm", **SMALL, use_parallel_residual=True, **rope(theta=10000.0, partial_rotary_factor=0.5)),
    "stablelm-heads": dict(model_type="stablelm", **SMALL, qk_layernorm=True, use_parallel_residual=True, **rope(theta=10000.0, partial_rotary_factor=0.5)),
    "starcoder2": dict(model_type="starcoder2", **SMALL, sliding_window=None, **rope()),
    "glm4": dict(model_type="glm4", **SMALL, head_dim=12, pad_token_id=0, eos_token_id=1, attention_bias=True, **rope(partial_rotary_factor=0.5)),
    "phi2": dict(model_type="phi", **SMALL | dict(num_key_value_heads=2, intermediate_size=64), **rope(theta=10000.0, partial_rotary_factor=0.5)),
    "command-r": dict(model_type="cohere", **SMALL, eos_token_id=1, bos_token_id=1, logit_scale=0.25, **rope()),
    "cohere2": dict(model_type="cohere2", **SMALL | dict(num_hidden_layers=4), eos_token_id=1, bos_token_id=1, logit_scale=0.5, sliding_window=3, **rope()),
    "nemotron": dict(model_type="nemotron", **SMALL, attention_bias=True, mlp_bias=True, **rope(partial_rotary_factor=0.5)),
    "olmo": dict(model_type="olmo", **SMALL, pad_token_id=0, eos_token_id=1, clip_qkv=0.8, **rope()),
    "olmoe": dict(model_type="olmoe", **SMALL | dict(num_key_value_heads=2, intermediate_size=12), pad_token_id=0, eos_token_id=1, num_experts=4, num_experts_per_tok=2, **rope()),
    "arcee": dict(model_type="arcee", **SMALL, head_dim=12, rope_parameters=YARN),
    "ernie4_5": dict(model_type="ernie4_5", **SMALL, head_dim=12, **rope()),
    "exaone4": dict(model_type="exaone4", **SMALL, sliding_window=None, layer_types=["full_attention"] * 2, **rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)),
    "hunyuan-dense": dict(model_type="hunyuan_v1_dense", **SMALL | dict(max_position_embeddings=32768), head_dim=12, **rope("dynamic", theta=10000.0, alpha=1000.0, factor=1.0)),
    "qwen2moe": dict(model_type="qwen2_moe", **SMALL, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12, shared_expert_intermediate_size=10, norm_topk_prob=False, **rope()),
}
CASES["qwen2moe-vector"] = CASES["qwen2moe"]  # whose gates of the shared expert are vectors, as converters wrote them before
ARCHITECTURE = {"mistral3": "Mistral3ForConditionalGeneration"}
# llama.cpp passes over the window of Phi.
DIFFERS = {"phi3": 2.0}
# Its GELU is a table in half precision, of the tanh form (NeoX has the other).
CLOSE = 2e-3


def model_of(config):
    model = models.model_of(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())
    return model


def convert(folder, name, to, kind):
    hparams = json.loads((folder / "config.json").read_text())
    architecture = ARCHITECTURE.get(name, hparams["architectures"][0])
    cls = conversion.get_model_class(architecture)

    def no_vocabulary(self):
        self.gguf_writer.add_tokenizer_model("none")
        if kind == gguf.LlamaFileType.ALL_F32 and not isinstance(self, conversion.get_model_class("LlamaForCausalLM")):
            self.gguf_writer.add_vocab_size(models.VOCABULARY)  # llama.cpp counts tokens otherwise

    modify = cls.modify_tensors

    def all_tensors(self, *tensor):
        last = yield from modify(self, *tensor)  # the converter returns the norms of StableLM's heads where it should yield them
        yield from last or ()

    if name == "stablelm-heads":
        cls.modify_tensors = all_tensors
    for one in {cls, getattr(cls, "Ministral3Model", cls)}:
        one.set_vocab = no_vocabulary
    if name == "qwen2moe-vector":
        cls = type(name, (cls,), {"model_arch": cls.model_arch, "modify_tensors": lambda self, *of: ((to, x.squeeze() if "gate_inp_shexp" in to else x) for to, x in super(cls, self).modify_tensors(*of))})
    read = conversion.ModelBase.load_hparams(folder, False)
    if hparams["model_type"] == "gpt_neox":  # where published configs have it; transformers 5 keeps it in rope_parameters
        read["rotary_pct"] = read["rope_parameters"]["partial_rotary_factor"]
    if hparams["model_type"] == "cohere2":  # as published
        read["rotary_pct"] = 1.0
    cls(folder, kind, to, hparams=read).write()
    cls.modify_tensors = modify


def theirs(path):
    out = subprocess.run([RUNNER, str(path), str(models.VOCABULARY), *map(str, IDS)], capture_output=True, text=True, check=True)
    return np.array([float(line) for line in out.stdout.split()])


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    expected = json.loads((OUT / "expected.json").read_text())["files"] if CHOSEN else {}
    for name in CHOSEN or CASES:
        config = CASES[name]
        model = model_of(config)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            model.save_pretrained(folder)
            vocabulary = {"model": {"vocab": {str(i): i for i in range(models.VOCABULARY)}}, "added_tokens": []}
            (folder / "tokenizer.json").write_text(json.dumps(vocabulary))  # the converter counts Gemma 3's tokens in it
            with torch.no_grad():
                logits = model(torch.tensor([IDS]), use_cache=False).logits[0, -1].numpy().astype(np.float64)
            convert(folder, name, OUT / f"{name}.gguf", gguf.LlamaFileType.MOSTLY_F16)
            expected[name] = {"modelType": config["model_type"], "logits": [float(f"{v:.8g}") for v in logits]}
            if RUNNER is None:
                continue
            convert(folder, name, folder / "f32.gguf", gguf.LlamaFileType.ALL_F32)
            found = theirs(folder / "f32.gguf")
            far = float(np.abs(found - logits).max() / np.abs(logits).max())
            print(f"{name}: llama.cpp differs by {far:.1e}")
            assert far < DIFFERS.get(name, CLOSE), name
            expected[name]["llamaCpp"] = [float(f"{v:.6g}") for v in found]
    (OUT / "expected.json").write_text(json.dumps({"ids": IDS, "files": {name: expected[name] for name in CASES}}, indent=0) + "\n")


main()
