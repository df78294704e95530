"""Image files, and what Pillow and the image processors of transformers make of them.

    pip install torch torchvision transformers 'pillow<13' numpy   (why not 13: src/learning/files/images/resample.ts)
    python test/reference/images.py

Writes test/fixtures/images/*.{jpg,png,webp,gif} and test/fixtures/images/expected.json: SHA-256 of decoded bytes (RGB rows), of
resized bytes, and of the processors' float32 values (channels first); how far the torchvision processors are off is printed.
"""
import hashlib, json, os
import numpy as np, PIL, transformers
from PIL import Image, ImageOps
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.clip.image_processing_clip import CLIPImageProcessor
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip.image_processing_siglip import SiglipImageProcessor
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
from transformers.models.siglip2.image_processing_siglip2 import Siglip2ImageProcessor

OUT = os.path.join(os.path.dirname(__file__), "../fixtures/images")
os.makedirs(OUT, exist_ok=True)


def picture(height, width, seed=0):
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)) * 20
    waves = np.stack([127 + 120 * np.sin(x / 5 + y / 9), 127 + 100 * np.cos(y / 7), (x * y) % 256], -1)
    return Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8))


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def write_files():
    wide, tall = picture(37, 53), picture(64, 41, 1)
    for name, options in {"420": dict(subsampling=2, quality=75), "422": dict(subsampling=1, quality=60),
                          "444-progressive": dict(subsampling=0, quality=90, progressive=True)}.items():
        wide.save(f"{OUT}/{name}.jpg", **options)
    tall.convert("L").save(f"{OUT}/grey.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    wide.save(f"{OUT}/turned.jpg", exif=turned, quality=80)
    tall.save(f"{OUT}/rgb.png")
    clear = wide.convert("RGBA")
    clear.putalpha(Image.fromarray((np.arange(37 * 53) % 256).astype(np.uint8).reshape(37, 53)))
    clear.save(f"{OUT}/clear.png")
    wide.convert("P").save(f"{OUT}/palette.png")
    wide.convert("1").save(f"{OUT}/one-bit.png")
    tall.save(f"{OUT}/lossy.webp", quality=80)
    wide.save(f"{OUT}/frame.gif")
    # What is refused.
    wide.convert("CMYK").save(f"{OUT}/cmyk.jpg")
    Image.fromarray((np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8)).save(f"{OUT}/sixteen.png")


FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR, "lanczos": Image.LANCZOS, "box": Image.BOX, "hamming": Image.HAMMING}
PROCESSORS = {
    "clip": (CLIPImageProcessorPil, CLIPImageProcessor, dict(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24})),
    "clip, odd crop": (CLIPImageProcessorPil, CLIPImageProcessor, dict(size={"shortest_edge": 30}, crop_size={"height": 23, "width": 20})),
    "clip, crop beyond the image": (CLIPImageProcessorPil, CLIPImageProcessor, dict(size={"shortest_edge": 16}, crop_size={"height": 29, "width": 24})),
    "clip, only rescaled": (CLIPImageProcessorPil, CLIPImageProcessor, dict(do_resize=False, do_center_crop=False, do_normalize=False, rescale_factor=1 / 127.5)),
    "clip, bilinear": (CLIPImageProcessorPil, CLIPImageProcessor, dict(resample=2, size={"shortest_edge": 20}, crop_size={"height": 20, "width": 20}, do_rescale=False)),
    "siglip": (SiglipImageProcessorPil, SiglipImageProcessor, dict(size={"height": 28, "width": 28})),
    "siglip, lanczos": (SiglipImageProcessorPil, SiglipImageProcessor, dict(size={"height": 20, "width": 30}, resample=1, image_mean=[.1, .2, .3], image_std=[.4, .5, .6])),
    "siglip2": (Siglip2ImageProcessorPil, Siglip2ImageProcessor, dict(patch_size=4, max_num_patches=30)),
    "siglip2, larger than the image": (Siglip2ImageProcessorPil, Siglip2ImageProcessor, dict(patch_size=8, max_num_patches=200)),
}


def main():
    write_files()
    expected = {"madeWith": f"Pillow {PIL.__version__}, transformers {transformers.__version__}", "decoded": {}, "resized": [], "processed": {}}
    images = {}
    for name in sorted(os.listdir(OUT)):
        if name in ("expected.json", "cmyk.jpg", "sixteen.png"): continue
        images[name] = ImageOps.exif_transpose(Image.open(f"{OUT}/{name}")).convert("RGB")
        expected["decoded"][name] = {"height": images[name].height, "width": images[name].width, "sha256": sha(np.asarray(images[name]))}
    for size in [(224, 224), (16, 16), (7, 100), (37, 20), (20, 53), (1, 1), (300, 5), (40, 57)]:
        for label, number in FILTERS.items():
            out = images["420.jpg"].resize((size[1], size[0]), number)
            expected["resized"].append({"height": size[0], "width": size[1], "filter": label, "sha256": sha(np.asarray(out))})
    for label, (pil, fast, options) in PROCESSORS.items():
        files = {}
        for name in ("420.jpg", "rgb.png", "grey.jpg"):
            out = pil(**options)(images[name], return_tensors="np")
            values = out["pixel_values"][0].astype(np.float32)
            files[name] = {"shape": list(values.shape), "sha256": sha(values)}
            if "spatial_shapes" in out: files[name]["grid"] = [int(x) for x in out["spatial_shapes"][0]]
            other = fast(**options)(images[name], return_tensors="pt")["pixel_values"][0].float().numpy()
            std = np.array(options.get("image_std", pil.image_std)).min()
            scale = {True: std * 255, False: std}[options.get("do_rescale", True)] if options.get("do_normalize", True) else 127.5
            print(f"{label} {name}: torchvision off by {np.abs(values - other).max() * scale:.4f} grey levels")
        settings = {k: v for k, v in json.loads(pil(**options).to_json_string()).items()}
        expected["processed"][label] = {"settings": settings, "files": files}
    with open(f"{OUT}/expected.json", "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


main()
