"""Writes test/fixtures/models: tiny models of every family as Hugging Face folders and GGUF files, with what is in them.

expected.json gives, for each, the sha256 of every tensor as the engine must get it (float32, linear maps [dOut, dIn]),
and the logits transformers computes for a few tokens. GGUF files are made by the rules of llama.cpp's converter, and
the reordered one is read back through transformers here, so that the expectation does not rest on our reading alone.
Made with transformers 5.23, gguf 0.19, sentencepiece 0.2. Run after files-tokenizers.py.
"""
import hashlib
import io
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import sentencepiece
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

OUT = Path(__file__).parent.parent / "fixtures" / "models"
TOKENIZERS = OUT.parent / "tokenizers"
IDS = [3, 17, 5, 29, 11, 2, 38, 7]
SMALL = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=40, max_position_embeddings=64)
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


def models() -> dict:
    torch.manual_seed(0)
    made = {
        "llama": LlamaForCausalLM(LlamaConfig(**(SMALL | dict(vocab_size=424)), tie_word_embeddings=True, rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 100000.0})),
        "llama3": LlamaForCausalLM(LlamaConfig(**SMALL, head_dim=16, attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3_ROPE)),
        "qwen2": Qwen2ForCausalLM(Qwen2Config(**SMALL, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
        "qwen3": Qwen3ForCausalLM(Qwen3Config(**SMALL, head_dim=16, tie_word_embeddings=False)),
        "gpt2": GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=40)),
    }
    for model in made.values():
        model.eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():  # every part must matter: no zero biases, no unit norms
                spread = 0.3 * torch.randn_like(parameter)
                moved = parameter + (spread if parameter.dim() > 1 else 0.1 * spread)
                rounded = moved.to(torch.bfloat16).float()
                parameter.copy_(torch.where(rounded.abs() < 2**-10, 2.0**-10, rounded))  # exact in BF16 and in F16
    return made


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.float32).tobytes()).hexdigest()


def tensors(model) -> dict[str, np.ndarray]:
    """Weights as the engine gets them; GPT-2's Conv1D transposed."""
    found = {}
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        is_conv = model.config.model_type == "gpt2" and name.endswith(".weight") and ".c_" in name
        found[name] = value.T.numpy() if is_conv else value.numpy()
    return found


def logits(model) -> list[float]:
    with torch.no_grad():
        return [round(float(v), 6) for v in model(torch.tensor([IDS])).logits[0, -1]]


def permuted(weights: np.ndarray, heads: int) -> np.ndarray:
    """LlamaModel.permute of convert_hf_to_gguf.py."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


ARCHITECTURES = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3, "gpt2": gguf.MODEL_ARCH.GPT2}


def write_gguf(path: Path, model, rope_factors: np.ndarray | None, add_tokenizer) -> None:
    config = model.config
    kind = config.model_type
    names = gguf.get_tensor_name_map(ARCHITECTURES[kind], config.num_hidden_layers)
    writer = gguf.GGUFWriter(str(path), kind)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    if kind == "gpt2":
        writer.add_feed_forward_length(4 * config.n_embd)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        writer.add_rope_dimension_count(head_dim)
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    add_tokenizer(writer)
    if rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", rope_factors.astype(np.float32))
    for name, value in tensors(model).items():
        if kind == "llama" and ".q_proj." in name:
            value = permuted(value, config.num_attention_heads)
        if kind == "llama" and ".k_proj." in name:
            value = permuted(value, config.num_key_value_heads)
        new_name = names.get_name(name, try_suffixes=(".weight", ".bias"))
        writer.add_tensor(new_name, np.ascontiguousarray(value if value.ndim == 1 else value.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama3_divisors(config) -> np.ndarray:
    """generate_extra_tensors of convert_hf_to_gguf.py."""
    rope = config.rope_parameters
    frequencies = 1.0 / (rope["rope_theta"] ** (torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim))
    old, low, high, factor = rope["original_max_position_embeddings"], rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    factors = []
    for frequency in frequencies:
        wavelength = 2 * torch.pi / frequency
        if wavelength < old / high:
            factors.append(1.0)
        elif wavelength > old / low:
            factors.append(factor)
        else:
            smooth = (old / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array([float(f) for f in factors])


def byte_level_tokenizer(writer: gguf.GGUFWriter) -> None:
    spec = json.loads((TOKENIZERS / "llama3" / "tokenizer.json").read_text())
    ids = spec["model"]["vocab"] | {token["content"]: token["id"] for token in spec["added_tokens"]}
    ordered = sorted(ids, key=ids.get)
    special = {token["content"]: token["special"] for token in spec["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(ordered)
    writer.add_token_types([1 if t not in special else 3 if special[t] else 4 for t in ordered])
    writer.add_token_merges([" ".join(pair) if isinstance(pair, list) else pair for pair in spec["model"]["merges"]])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_bos_token_id(ids["<|im_start|>"])
    writer.add_add_bos_token(True)
    writer.add_chat_template("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}")


def sentencepiece_tokenizer(writer: gguf.GGUFWriter) -> dict:
    texts = json.loads((TOKENIZERS / "texts.json").read_text())
    corpus = [line for text in texts * 3 for line in text.split("\n") if line] + Path(__file__).read_text().split("\n")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, vocab_size=420, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, split_digits=True, character_coverage=0.99, minloglevel=2)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    size = pieces.get_piece_size()
    types = [2 if pieces.is_unknown(i) else 3 if pieces.is_control(i) else 6 if pieces.is_byte(i) else 1 for i in range(size)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([pieces.id_to_piece(i) for i in range(size)])
    writer.add_token_scores([pieces.get_score(i) for i in range(size)])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    usable = [text for text in texts if "<s>" not in text and "</s>" not in text and "<unk>" not in text and "\x00" not in text]
    return {"texts": usable, "ids": [[1, *pieces.encode(text)] for text in usable], "decoded": [pieces.decode(pieces.encode(text)) for text in usable]}


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    expected = {}
    for name, model in models().items():
        folder = OUT / name
        half = model.to(torch.bfloat16)
        half.save_pretrained(str(folder), max_shard_size="20KB" if name == "llama" else "10MB")
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()  # .float() would keep rounded rotations
        hashes = {key: digest(value) for key, value in tensors(model).items()}
        expected[name] = {"sha256": hashes, "ids": IDS, "logits": logits(model)}
        pieces: dict = {}
        add = {"llama": byte_level_tokenizer, "llama3": lambda writer: pieces.update(sentencepiece_tokenizer(writer))}.get(name, lambda writer: None)
        file = f"{name}.gguf"
        with torch.no_grad():
            write_gguf(OUT / file, model, llama3_divisors(model.config) if name == "llama3" else None, add)
        if name == "llama3":
            expected["sentencepiece"] = pieces
        if name == "llama":  # the tiny file transformers reads back, and the one whose rows were reordered
            again = AutoModelForCausalLM.from_pretrained(str(OUT), gguf_file=file, dtype=torch.float32)
            differing = [key for key, value in tensors(again).items() if digest(value) != hashes[key]]
            assert not differing, differing
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZERS / "gpt2" / file, OUT / "llama" / file)
    (OUT / "llama" / "chat_template.jinja").write_text("{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}\n{% endfor %}")
    (OUT / "expected.json").write_text(json.dumps(expected, indent=0) + "\n")


main()
