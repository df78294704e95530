"""Seconds of a contrastive training step, or of embedding images, in PyTorch and transformers; one JSON line on stdout.

    python bench/peers/towers.py small|vit-b-32|score [--threads N] [--seconds S] [--compile]

small     two towers of width 64, 2 blocks, 4 heads: 35 patches of 4 x 4 pixels, 8 tokens of 32, mean pooling, batch 64; softmax
          loss at temperature 10, fused AdamW. One packed linear for q, k, v and `scaled_dot_product_attention`: faster in eager
          mode than transformers' layers.
vit-b-32  transformers' CLIPModel in the shapes of openai/clip-vit-base-patch32, batch 8, 77 tokens, its own loss, fused AdamW.
score     its image processor (on torchvision, which is faster than on Pillow) and image tower, 8 images of 480 x 640 pixels,
          decoded, in inference mode.

Weights are random and batches fixed. What is counted: measuring.py.
"""
import argparse

import torch
import torch.nn.functional as F
from measuring import say, timed
from torch import nn

ROWS = {"small": 64, "vit-b-32": 8, "score": 8}


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Tower(nn.Module):
    def __init__(self, embed, places, d=64, layers=2, heads=4):
        super().__init__()
        self.embed = embed
        self.positions = nn.Parameter(torch.randn(places, d) * 0.3)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(layers)])
        self.norm, self.projection = nn.LayerNorm(d), nn.Linear(d, d, bias=False)

    def forward(self, x):
        return self.projection(self.norm(self.blocks(self.embed(x) + self.positions)).mean(1))


def small_loss(compiled):
    wrap = torch.compile if compiled else lambda module: module
    image, text = Tower(nn.Linear(48, 64), 35), Tower(nn.Embedding(32, 64), 8)
    parameters = [*image.parameters(), *text.parameters()]
    image, text = wrap(image), wrap(text)
    patches, tokens = torch.randn(64, 35, 48), torch.randint(0, 32, (64, 8))
    labels = torch.arange(64)

    def loss():
        logits = 10 * F.normalize(image(patches), dim=-1) @ F.normalize(text(tokens), dim=-1).T
        return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2

    return loss, parameters


def clip_model():
    from transformers import CLIPConfig, CLIPModel

    return CLIPModel(CLIPConfig())


def clip_loss(compiled):
    model = clip_model().train()
    call = torch.compile(model) if compiled else model
    pixels = torch.randn(8, 3, 224, 224)
    ids = torch.randint(0, 49000, (8, 77))
    ids[:, -1] = 49407
    return (lambda: call(input_ids=ids, pixel_values=pixels, return_loss=True).loss), list(model.parameters())


def training_step(subject, compiled):
    loss_of, parameters = (small_loss if subject == "small" else clip_loss)(compiled)
    optimizer = torch.optim.AdamW(parameters, 1e-3 if subject == "small" else 1e-5, fused=True)

    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()

    return step


def scoring_step(compiled):
    from transformers.models.clip.image_processing_clip import CLIPImageProcessor

    model = clip_model().eval()
    tower = torch.compile(model.vision_model) if compiled else model.vision_model
    processor = CLIPImageProcessor()
    images = [torch.randint(0, 256, (3, 480, 640), dtype=torch.uint8)] * 8

    def step():
        with torch.inference_mode():
            pixels = processor(images, return_tensors="pt")["pixel_values"]
            model.visual_projection(tower(pixel_values=pixels).pooler_output)

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject", choices=list(ROWS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--compile", action="store_true", help="torch.compile the towers (needs a C++ compiler)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    step = scoring_step(args.compile) if args.subject == "score" else training_step(args.subject, args.compile)
    costs = timed(step, args.seconds)
    say(subject=args.subject, torch=torch.__version__, threads=args.threads, compile=args.compile, images=ROWS[args.subject], **costs)


if __name__ == "__main__":
    main()
