"""The two transformer families of the peer, in plain eager PyTorch, and LoRA.

Gpt is GPT-2 (pre-norm, learned positions, exact GELU, tied head) with Hugging Face's parameter names and Conv1D layout
([in, out]), so its state dict is a GPT-2 checkpoint. Llama has RMSNorm, RoPE, grouped keys and SwiGLU (SmolLM2).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Conv1D(nn.Module):
    """GPT-2's linear: y = x W + b with W [in, out]."""

    def __init__(self, d_in, d_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_in, d_out) * std)
        self.bias = nn.Parameter(torch.zeros(d_out))

    def forward(self, x):
        flat = torch.addmm(self.bias, x.reshape(-1, x.shape[-1]), self.weight)
        return flat.view(*x.shape[:-1], -1)

    def sizes(self):
        return self.weight.shape


class Linear(nn.Module):
    """y = x W^T with W [out, in], no bias."""

    def __init__(self, d_in, d_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(d_out, d_in) * std)

    def forward(self, x):
        return F.linear(x, self.weight)

    def sizes(self):
        return reversed(self.weight.shape)


class Lora(nn.Module):
    """A frozen linear plus (alpha / r) (x A^T) B^T; A as in PEFT uniform in +-1/sqrt(in), B zero. arXiv:2106.09685."""

    def __init__(self, base, rank, scale, generator):
        super().__init__()
        d_in, d_out = base.sizes()
        self.base, self.scale = base, scale
        self.lora_A = nn.Parameter((torch.rand(rank, d_in, generator=generator) * 2 - 1) / math.sqrt(d_in))
        self.lora_B = nn.Parameter(torch.zeros(d_out, rank))

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale


def add_lora(model, rank, scale, generator):
    """Freezes the model and adapts every linear in its blocks; returns the adapters' parameters."""
    model.requires_grad_(False)
    for name, module in list(model.named_modules()):
        if isinstance(module, (Conv1D, Linear)):
            parent, child = name.rsplit(".", 1)
            setattr(model.get_submodule(parent), child, Lora(module, rank, scale, generator))
    return [p for p in model.parameters() if p.requires_grad]


class GptAttention(nn.Module):
    def __init__(self, d, heads, std, residual_std):
        super().__init__()
        self.heads = heads
        self.c_attn = Conv1D(d, 3 * d, std)
        self.c_proj = Conv1D(d, d, residual_std)

    def forward(self, x, mask=None, asked=None):
        rows, length, d = x.shape
        q, k, v = self.c_attn(x).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if asked is not None:
            q, mask = q[:, :, asked], mask[asked]
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.c_proj(y.transpose(1, 2).reshape(rows, -1, d))


class GptMlp(nn.Module):
    def __init__(self, d, std, residual_std):
        super().__init__()
        self.c_fc = Conv1D(d, 4 * d, std)
        self.c_proj = Conv1D(4 * d, d, residual_std)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class GptBlock(nn.Module):
    def __init__(self, d, heads, std, residual_std):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = GptAttention(d, heads, std, residual_std)
        self.mlp = GptMlp(d, std, residual_std)

    def forward(self, x, mask=None, asked=None):
        x = (x if asked is None else x[:, asked]) + self.attn(self.ln_1(x), mask, asked)
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """GPT-2; `answers` picks the positions whose logits are wanted, a slice of T.

    Weights N(0, std), projections onto the residual stream N(0, std / sqrt(2 layers)), biases 0."""

    def __init__(self, vocabulary, positions, d, layers, heads, std=0.02):
        super().__init__()
        residual_std = std / math.sqrt(2 * layers)
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(vocabulary, d),
                "wpe": nn.Embedding(positions, d),
                "h": nn.ModuleList(GptBlock(d, heads, std, residual_std) for _ in range(layers)),
                "ln_f": nn.LayerNorm(d),
            }
        )
        nn.init.normal_(self.transformer.wte.weight, std=std)
        nn.init.normal_(self.transformer.wpe.weight, std=std)

    def forward(self, tokens, answers=slice(None), ends=False):
        """With `ends` the last block, too, is computed for the answers alone."""
        t = self.transformer
        length = tokens.shape[1]
        x = t.wte(tokens) + t.wpe.weight[:length]
        for block in t.h[: -1 if ends else None]:
            x = block(x)
        if ends:
            mask = torch.full((length, length), float("-inf")).triu(1)
            x = t.h[-1](x, mask, answers)
        else:
            x = x[:, answers]
        return F.linear(t.ln_f(x), t.wte.weight)

    def shared(self, tokens, positions, mask, asked):
        """Logits [G, M, V] of rows that stand in G rows [G, L] with what they share once: `mask` [L, L] (0 or -inf) says what a token
        sees, the last block ends at the tokens `asked` [M] of each."""
        t = self.transformer
        x = t.wte(tokens) + t.wpe(positions)
        for block in t.h[:-1]:
            x = block(x, mask)
        return F.linear(t.ln_f(t.h[-1](x, mask, asked)), t.wte.weight)


def rope_table(length, d_head, theta):
    angles = torch.arange(length)[:, None] * theta ** (-torch.arange(0, d_head, 2) / d_head)
    angles = torch.cat((angles, angles), -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class LlamaAttention(nn.Module):
    def __init__(self, d, heads, kv_heads, std):
        super().__init__()
        d_head = d // heads
        self.d_head = d_head
        self.q_proj = Linear(d, d, std)
        self.k_proj = Linear(d, kv_heads * d_head, std)
        self.v_proj = Linear(d, kv_heads * d_head, std)
        self.o_proj = Linear(d, d, std)

    def forward(self, x, cos, sin):
        rows, length, d = x.shape
        projections = self.q_proj, self.k_proj, self.v_proj
        q, k, v = (p(x).view(rows, length, -1, self.d_head).transpose(1, 2) for p in projections)
        y = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, d))


class LlamaMlp(nn.Module):
    def __init__(self, d, hidden, std):
        super().__init__()
        self.gate_proj, self.up_proj = Linear(d, hidden, std), Linear(d, hidden, std)
        self.down_proj = Linear(hidden, d, std)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaBlock(nn.Module):
    def __init__(self, d, heads, kv_heads, hidden, std):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = nn.RMSNorm(d, eps=1e-5), nn.RMSNorm(d, eps=1e-5)
        self.self_attn = LlamaAttention(d, heads, kv_heads, std)
        self.mlp = LlamaMlp(d, hidden, std)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Llama with tied embedding and a fixed length."""

    def __init__(self, vocabulary, length, d, layers, heads, kv_heads, hidden, theta):
        super().__init__()
        std = 1 / math.sqrt(d)
        self.embed_tokens = nn.Embedding(vocabulary, d)
        nn.init.normal_(self.embed_tokens.weight, std=0.04)
        self.layers = nn.ModuleList(LlamaBlock(d, heads, kv_heads, hidden, std) for _ in range(layers))
        self.norm = nn.RMSNorm(d, eps=1e-5)
        cos, sin = rope_table(length, d // heads, theta)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens):
        x = self.embed_tokens(tokens)
        for block in self.layers:
            x = block(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embed_tokens.weight)
