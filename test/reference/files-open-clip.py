"""A tiny random OpenCLIP folder, and what open_clip computes of it in float64.

    pip install open_clip_torch torch torchvision 'pillow<13'   (after files-towers.py, whose tokenizer it takes)
    python test/reference/files-open-clip.py

Writes test/fixtures/open-clip/ (open_clip_config.json, open_clip_model.safetensors, tokenizer files) and expected.json in it.
"""
import json, os, shutil
import numpy as np, open_clip, torch
from PIL import Image
from safetensors.torch import save_file
from open_clip.transform import PreprocessCfg, image_transform_v2
from transformers import CLIPTokenizer

FIXTURES = os.path.join(os.path.dirname(__file__), "../fixtures")
OUT = os.path.join(FIXTURES, "open-clip")
CONFIG = {
    "model_cfg": {
        "embed_dim": 6,
        "vision_cfg": {"image_size": 9, "layers": 2, "width": 8, "head_width": 4, "patch_size": 4, "mlp_ratio": 1.5},
        "text_cfg": {"context_length": 26, "vocab_size": 120, "width": 12, "heads": 3, "layers": 2},
    },
    "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bicubic", "resize_mode": "shortest"},
}
IMAGES = ["420.jpg", "rgb.png", "grey.jpg"]
CAPTIONS = ["red cube and blue sphere", "blue cube and red sphere", "cube", ""]


def main():
    os.makedirs(OUT, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"): shutil.copy(os.path.join(FIXTURES, "towers/clip", name), OUT)
    model = open_clip.model.CLIP(**CONFIG["model_cfg"]).eval()
    rng = np.random.default_rng(3)
    for name, parameter in model.named_parameters():
        values = rng.normal(size=tuple(parameter.shape)) * 0.35
        if "ln_" in name and name.endswith("weight"): values += 1
        parameter.data = torch.tensor(np.float32(values)).reshape(parameter.shape)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, os.path.join(OUT, "open_clip_model.safetensors"))
    json.dump(CONFIG, open(os.path.join(OUT, "open_clip_config.json"), "w"), indent=1)
    transform = image_transform_v2(PreprocessCfg(size=9, **CONFIG["preprocess_cfg"]), is_train=False)
    pixels = torch.stack([transform(Image.open(f"{FIXTURES}/images/{name}")) for name in IMAGES])
    # As OpenCLIP's tokenizers: padded with zeros to the context, no mask; the largest id is where a text is pooled.
    ids = CLIPTokenizer.from_pretrained(OUT)(CAPTIONS)["input_ids"]
    tokens = torch.tensor([row + [0] * (26 - len(row)) for row in ids])
    double = model.double()
    logits = lambda: [float(f"{x:.9g}") for x in (double.logit_scale.exp() * double.encode_image(pixels.double(), normalize=True)
                      @ double.encode_text(tokens, normalize=True).T).flatten().tolist()]
    expected = {"madeWith": f"open_clip {open_clip.__version__}, torch {torch.__version__}", "images": IMAGES, "captions": CAPTIONS,
                "logits": logits(), "pixels": [float(x) for x in pixels[0].flatten()]}
    quick = open_clip.model.CLIP(**CONFIG["model_cfg"], quick_gelu=True).eval()
    quick.load_state_dict(model.float().state_dict())
    double = quick.double()
    expected["quickGelu"] = logits()
    with open(os.path.join(OUT, "expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"))
        file.write("\n")


main()
