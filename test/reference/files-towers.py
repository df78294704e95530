"""Tiny random CLIP, SigLIP and SigLIP 2 folders, and what transformers computes of them in float64.

    pip install torch transformers safetensors numpy
    python test/reference/files-towers.py

Writes test/fixtures/towers/<name>/{config.json,model.safetensors} and test/fixtures/towers/expected.json:
the stream at every depth, logits, the loss and its gradient's product with sin(1), sin(2), ... for every parameter; and the
logits again under other settings of the same config ("variants").
"""
import copy, json, os
import numpy as np, torch, transformers
from transformers import (CLIPConfig, CLIPModel, SiglipConfig, SiglipModel, Siglip2Config, Siglip2Model)

OUT = os.path.join(os.path.dirname(__file__), "../fixtures/towers")
SIZES = {"num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SIZES, "hidden_size": 8, "intermediate_size": 12, "image_size": 8, "patch_size": 4}
TEXT = {**SIZES, "hidden_size": 12, "intermediate_size": 20, "vocab_size": 24, "max_position_embeddings": 7,
        "bos_token_id": 22, "eos_token_id": 21, "pad_token_id": 0}
# In the first an end inside the text, in the second ends as padding; the largest id is not the end.
CLIP_IDS = [[22, 3, 21, 7, 21], [22, 2, 9, 21, 21], [22, 20, 23, 2, 21]]
SIGLIP_IDS = [[5, 3, 1, 0, 0], [4, 2, 9, 8, 1], [7, 1, 0, 0, 0]]
SEEN = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
LEFT = [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]]

CLIP_OLD = {"text": {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 24,
                     "max_position_embeddings": 7}, "vision": {k: v for k, v in VISION.items()}}

MODELS = {
    "clip": dict(kind="clip", config={"projection_dim": 6, "text_config": TEXT, "vision_config": VISION}, ids=CLIP_IDS,
                 variants={
                     "pooled at the largest id": {"text_config.eos_token_id": 2},
                     "other ends": {"text_config.eos_token_id": 7},
                     "gelu": {"text_config.hidden_act": "gelu", "vision_config.hidden_act": "gelu"},
                     "gelu_new in texts": {"text_config.hidden_act": "gelu_new"},
                     "gelu_pytorch_tanh in images": {"vision_config.hidden_act": "gelu_pytorch_tanh"},
                     "relu, silu": {"text_config.hidden_act": "relu", "vision_config.hidden_act": "silu"},
                     "epsilons": {"text_config.layer_norm_eps": 1e-2, "vision_config.layer_norm_eps": 3e-2},
                     "heads": {"text_config.num_attention_heads": 3, "vision_config.num_attention_heads": 4},
                     "text_config_dict overrides": {"text_config_dict": {**CLIP_OLD["text"], "num_attention_heads": 4, "layer_norm_eps": 2e-2}},
                     "vision_config_dict overrides": {"vision_config_dict": {**CLIP_OLD["vision"], "hidden_act": "relu"}},
                 }, masks={"left padding": LEFT, "right padding": SEEN}),
    "clip-gray": dict(kind="clip", ids=CLIP_IDS, config={
        "projection_dim": 5, "logit_scale_init_value": 1.0,
        "text_config": {**TEXT, "num_hidden_layers": 1, "hidden_act": "gelu"},
        "vision_config": {**VISION, "image_size": 11, "patch_size": 3, "num_channels": 1, "num_hidden_layers": 3, "layer_norm_eps": 1e-3}},
        variants={}, masks={}),
    "siglip": dict(kind="siglip", config={"text_config": {**TEXT, "projection_size": 8}, "vision_config": VISION}, ids=SIGLIP_IDS,
                   variants={
                       "gelu": {"text_config.hidden_act": "gelu", "vision_config.hidden_act": "gelu"},
                       "quick_gelu in images": {"vision_config.hidden_act": "quick_gelu"},
                       "epsilons": {"text_config.layer_norm_eps": 1e-2, "vision_config.layer_norm_eps": 3e-2},
                       "heads": {"text_config.num_attention_heads": 3, "vision_config.num_attention_heads": 4},
                       "ends are not read": {"text_config.eos_token_id": 9, "text_config.bos_token_id": 3},
                   }, masks={"pads are not attended": SEEN, "left padding": LEFT}),
    "siglip2": dict(kind="siglip2", ids=SIGLIP_IDS, seen=LEFT, config={
        "text_config": {**TEXT, "projection_size": 8},
        "vision_config": {k: v for k, v in {**VISION, "patch_size": 2, "num_patches": 9}.items() if k != "image_size"}},
        variants={
            "gelu": {"text_config.hidden_act": "gelu", "vision_config.hidden_act": "gelu"},
            "epsilons": {"text_config.layer_norm_eps": 1e-2, "vision_config.layer_norm_eps": 3e-2},
            "heads": {"text_config.num_attention_heads": 3, "vision_config.num_attention_heads": 4},
        }, masks={}),
}
CLASSES = {"clip": (CLIPConfig, CLIPModel), "siglip": (SiglipConfig, SiglipModel), "siglip2": (Siglip2Config, Siglip2Model)}


def filled(model, seed):
    rng = np.random.default_rng(seed)
    for name, parameter in model.named_parameters():
        values = rng.normal(size=tuple(parameter.shape)) * 0.35
        if name.endswith("weight") and "norm" in name: values += 1
        if name == "logit_scale": values += 1.0
        parameter.data = torch.tensor(values.astype(np.float32)).reshape(parameter.shape)
    return model


def inputs_of(case, config):
    rng = np.random.default_rng(7)
    vision = config.vision_config
    feeds = {"input_ids": torch.tensor(case["ids"])}
    if case["kind"] == "siglip2":
        dim = vision.num_channels * vision.patch_size ** 2
        shapes = [[2, 4], [5, 2], [3, 3]]
        feeds["pixel_values"] = torch.tensor(rng.normal(size=(3, 10, dim)).round(3))
        feeds["spatial_shapes"] = torch.tensor(shapes)
        feeds["pixel_attention_mask"] = torch.tensor([[int(i < h * w) for i in range(10)] for h, w in shapes])
    else:
        feeds["pixel_values"] = torch.tensor(rng.normal(size=(3, vision.num_channels, vision.image_size, vision.image_size)).round(3))
    if "seen" in case: feeds["attention_mask"] = torch.tensor(case["seen"])
    return feeds


def digits(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().double().flatten().tolist()]


def depths_of(model, feeds):
    """The stream where Assay has a site, by the site's name."""
    seen, hooks = {}, []
    def keep(name):
        return lambda _m, _i, out: seen.__setitem__(name, out[0] if isinstance(out, tuple) else out)
    for tower in ("vision_model", "text_model"):
        part = getattr(model, tower)
        hooks.append(part.embeddings.register_forward_hook(keep(f"{tower}.embeddings")))
        if hasattr(part, "pre_layrnorm"): hooks.append(part.pre_layrnorm.register_forward_hook(keep(f"{tower}.pre_layrnorm")))
        for i, layer in enumerate(part.encoder.layers):
            hooks.append(layer.register_forward_hook(keep(f"{tower}.encoder.layers.{i}.out")))
            # layer_norm2 reads the stream after attention
            hooks.append(layer.layer_norm2.register_forward_pre_hook(
                lambda _m, args, name=f"{tower}.encoder.layers.{i}.afterAttention": seen.__setitem__(name, args[0])))
    out = model(**feeds)
    for hook in hooks: hook.remove()
    seen["vision_model.projected"], seen["text_model.projected"] = model.get_image_features(**image_part(feeds)), None
    seen["vision_model.projected"] = pooler(seen["vision_model.projected"])
    seen["text_model.projected"] = pooler(model.get_text_features(**text_part(feeds)))
    return out, seen


def pooler(out):
    return out if isinstance(out, torch.Tensor) else out.pooler_output


def image_part(feeds):
    return {k: v for k, v in feeds.items() if k in ("pixel_values", "spatial_shapes", "pixel_attention_mask")}


def text_part(feeds):
    return {k: v for k, v in feeds.items() if k in ("input_ids", "attention_mask")}


def with_settings(config_json, settings):
    changed = copy.deepcopy(config_json)
    for path, value in settings.items():
        *parents, last = path.split(".")
        at = changed
        for parent in parents: at = at[parent]
        at[last] = value
    return changed


def main():
    expected = {}
    for seed, (name, case) in enumerate(MODELS.items()):
        config_class, model_class = CLASSES[case["kind"]]
        config = config_class(**case["config"])
        model = filled(model_class(config), seed).eval()
        folder = os.path.join(OUT, name)
        model.save_pretrained(folder)
        config_json = json.load(open(os.path.join(folder, "config.json")))
        for extra in ("generation_config.json",):
            if os.path.exists(os.path.join(folder, extra)): os.remove(os.path.join(folder, extra))
        feeds = inputs_of(case, config)
        double = model.double()
        out, seen = depths_of(double, feeds)
        loss = double(**feeds, return_loss=True).loss
        loss.backward()
        gradients = {}
        for key, parameter in double.named_parameters():
            flat = parameter.grad.flatten()
            gradients[key] = float((flat * torch.sin(torch.arange(1, flat.numel() + 1).double())).sum())
        variants = {}
        for label, settings in case["variants"].items():
            changed = config_class.from_dict(with_settings(config_json, settings))
            other = model_class(changed).eval()
            other.load_state_dict(model.float().state_dict())
            variants[label] = {"settings": settings, "logits": digits(other.double()(**feeds).logits_per_image)}
        model.double()
        masks = {label: {"attended": mask, "logits": digits(double(**{**feeds, "attention_mask": torch.tensor(mask)}).logits_per_image)}
                 for label, mask in case["masks"].items()}
        expected[name] = {
            "inputs": {k: {"shape": list(v.shape), "data": [round(float(x), 3) for x in v.flatten()]} for k, v in feeds.items()},
            "depths": {k: {"shape": list(v.shape), "data": digits(v)} for k, v in sorted(seen.items())},
            "logits": digits(out.logits_per_image), "loss": float(loss), "gradients": gradients, "variants": variants, "masks": masks,
        }
        print(name, float(loss), os.path.getsize(os.path.join(folder, "model.safetensors")))
    expected = {"madeWith": f"torch {torch.__version__}, transformers {transformers.__version__}", **expected}
    with open(os.path.join(OUT, "expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"))
        file.write("\n")


main()
