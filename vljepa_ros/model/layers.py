# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Building blocks shared by the Predictor, the Y-Encoder and the Y-Decoder.

The modules carry the weight names of the `transformers` classes that they stand for, so released
weights load without conversion. Rotary tables are buffers, computed once: the ONNX graph is small
and no trigonometry is left in the forward pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import LlamaConfig, RopeScaling


class RMSNorm(nn.Module):
    """Root mean square norm; `offset` 1 scales by (1 + weight) as Gemma does, 0 as Llama does."""

    def __init__(self, dim: int, *, eps: float, offset: float = 0.0) -> None:
        """Create the norm over the last dimension of width `dim`."""
        super().__init__()
        self.eps = eps
        self.offset = offset
        self.weight = nn.Parameter(torch.full((dim,), 1.0 - offset))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x [..., dim] in float32."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (wide * (self.weight.float() + self.offset)).type_as(x)


class GatedMLP(nn.Module):
    """The gated feed-forward layer of Llama (SiLU) and Gemma (tanh GELU)."""

    def __init__(self, hidden_size: int, intermediate_size: int, *, gelu: bool = False) -> None:
        """Create the three projections."""
        super().__init__()
        self.gelu = gelu
        self.gate_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.up_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.down_proj = nn.Linear(intermediate_size, hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map x [..., hidden_size] to the same shape."""
        gate = self.gate_proj(x)
        gate = functional.gelu(gate, approximate='tanh') if self.gelu else functional.silu(gate)
        out: Tensor = self.down_proj(gate * self.up_proj(x))
        return out


def rotary_frequencies(dim: int, theta: float, scaling: RopeScaling | None = None) -> Tensor:
    """Return the dim/2 angular frequencies, with the Llama 3 stretching if `scaling` is given."""
    frequency = 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    if scaling is None:
        return frequency
    wavelength = 2.0 * math.pi / frequency
    low = scaling.original_max_positions / scaling.low_freq_factor
    high = scaling.original_max_positions / scaling.high_freq_factor
    blend = (scaling.original_max_positions / wavelength - scaling.low_freq_factor) / (
        scaling.high_freq_factor - scaling.low_freq_factor
    )
    smooth = (1.0 - blend) * frequency / scaling.factor + blend * frequency
    stretched = torch.where(wavelength > low, frequency / scaling.factor, smooth)
    return torch.where(wavelength < high, frequency, stretched)


def rotary_table(positions: int, frequency: Tensor) -> tuple[Tensor, Tensor]:
    """Return tables [positions, 2 · len(frequency)] for `rotate`."""
    angle = torch.arange(positions, dtype=torch.float32)[:, None] * frequency
    return angle.cos().repeat(1, 2), torch.cat((-angle.sin(), angle.sin()), dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs of features: feature i of a head's first half with feature i of its second.

    Args:
        x: [B, heads, N, head_dim].
        cos: cosines [N, head_dim].
        sin: sines [N, head_dim], negative in the first half: no feature needs a sign then.
    """
    first, second = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat((second, first), dim=-1) * sin.to(x.dtype)


def attention(
    query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Scaled dot-product attention over [B, heads, N, head_dim].

    In training on a CPU it is written out: for the short sequences of a small model the fused
    kernel's backward pass takes 2.5 times as long.
    """
    if not (query.requires_grad and query.device.type == 'cpu') or (causal and mask is not None):
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=causal
        )
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # [B, heads, N, N]
    if causal:
        length = query.shape[-2]
        mask = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float('-inf'))
    return scores.softmax(dim=-1) @ value


class GroupedQueryAttention(nn.Module):
    """Self-attention with fewer key than query heads; `qk_norm_eps` adds Gemma 3's head norms."""

    def __init__(
        self,
        *,
        hidden_size: int,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        qk_norm_eps: float | None = None,
    ) -> None:
        """Create the projections."""
        super().__init__()
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.q_proj = nn.Linear(hidden_size, num_heads * head_dim, bias=False)
        self.k_proj = nn.Linear(hidden_size, num_kv_heads * head_dim, bias=False)
        self.v_proj = nn.Linear(hidden_size, num_kv_heads * head_dim, bias=False)
        self.o_proj = nn.Linear(num_heads * head_dim, hidden_size, bias=False)
        self.q_norm: nn.Module = nn.Identity()
        self.k_norm: nn.Module = nn.Identity()
        if qk_norm_eps is not None:
            self.q_norm = RMSNorm(head_dim, eps=qk_norm_eps, offset=1.0)
            self.k_norm = RMSNorm(head_dim, eps=qk_norm_eps, offset=1.0)

    def forward(
        self, x: Tensor, *, cos: Tensor, sin: Tensor, mask: Tensor | None, causal: bool = False
    ) -> Tensor:
        """Attend over x [B, N, D].

        Args:
            x: tokens [B, N, hidden_size].
            cos: rotary table [N, head_dim].
            sin: rotary table [N, head_dim].
            mask: boolean, True where attention is allowed, broadcastable to [B, heads, N, N].
            causal: attend only to earlier tokens (then `mask` must be None).
        """
        batch, length, _ = x.shape
        heads = (batch, length, -1, self.head_dim)
        query = self.q_norm(self.q_proj(x).view(heads)).transpose(1, 2)  # [B, heads, N, head_dim]
        key = self.k_norm(self.k_proj(x).view(heads)).transpose(1, 2)
        value = self.v_proj(x).view(heads).transpose(1, 2)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        if self.num_kv_heads != self.num_heads:
            repeats = self.num_heads // self.num_kv_heads
            key = key.repeat_interleave(repeats, dim=1)
            value = value.repeat_interleave(repeats, dim=1)
        out = attention(query, key, value, mask=mask, causal=causal)
        projected: Tensor = self.o_proj(out.transpose(1, 2).reshape(batch, length, -1))
        return projected


class LlamaBlock(nn.Module):
    """One Llama layer: norm, attention, norm, gated MLP, each with a residual connection."""

    def __init__(self, config: LlamaConfig) -> None:
        """Create the block."""
        super().__init__()
        self.self_attn = GroupedQueryAttention(
            hidden_size=config.hidden_size,
            num_heads=config.num_heads,
            num_kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
        )
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size)
        self.input_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, x: Tensor, *, cos: Tensor, sin: Tensor, mask: Tensor | None, causal: bool = False
    ) -> Tensor:
        """Map tokens x [B, N, D] to tokens of the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), cos=cos, sin=sin, mask=mask, causal=causal)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class LlamaStack(nn.Module):
    """Llama blocks with the final norm; positions run from 0 over the whole sequence."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: LlamaConfig, *, max_positions: int) -> None:
        """Create the blocks and rotary tables for up to `max_positions` tokens."""
        super().__init__()
        self.layers = nn.ModuleList(LlamaBlock(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        frequency = rotary_frequencies(config.head_dim, config.rope_theta, config.rope_scaling)
        cos, sin = rotary_table(max_positions, frequency)
        self.register_buffer('cos', cos, persistent=False)
        self.register_buffer('sin', sin, persistent=False)

    def forward(self, x: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """Map tokens x [B, N, D] to normalised tokens [B, N, D].

        Args:
            x: token embeddings [B, N, hidden_size], N ≤ max_positions.
            mask: boolean [B, N], True for real tokens, False for padding; None means all real.
            causal: a language model's mask instead of full attention.
        """
        length = x.shape[1]
        attention = None if mask is None else mask[:, None, None, :]  # [B, 1, 1, N]
        for layer in self.layers:
            x = layer(
                x, cos=self.cos[:length], sin=self.sin[:length], mask=attention, causal=causal
            )
        out: Tensor = self.norm(x)
        return out


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Average x [B, N, D] over the tokens where mask [B, N] is True → [B, D]."""
    weight = mask.to(x.dtype)[:, :, None]
    return (x * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)


def initialise(module: nn.Module, *, std: float = 0.02) -> None:
    """Initialise linear and embedding weights from a normal distribution, biases with zero."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv3d)):
            nn.init.trunc_normal_(part.weight, std=std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=std)
