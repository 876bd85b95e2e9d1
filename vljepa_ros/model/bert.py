# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Y-Encoder `bert`: a BERT encoder with the weight names of `transformers.BertModel`.

So the weights of sentence encoders of that family, all-MiniLM-L6-v2 first, load without
conversion (`vljepa_ros.model.pretrained`).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.layers import attention, initialise
from vljepa_ros.model.y_encoder import YEncoder
from vljepa_ros.model.y_encoder_config import BertConfig


class BertEmbeddings(nn.Module):
    """Word, position and token type, summed and normalised."""

    def __init__(self, config: BertConfig) -> None:
        """Create the three tables."""
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_positions, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(2, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids [B, L] as tokens [B, L, D]; a text alone is all of type 0."""
        place = self.position_embeddings.weight[: ids.shape[1]]
        place = place + self.token_type_embeddings.weight[0]
        out: Tensor = self.LayerNorm(self.word_embeddings(ids) + place)
        return out


class BertSelfAttention(nn.Module):
    """Attention without its output projection, which is part of `BertOutput`."""

    def __init__(self, config: BertConfig) -> None:
        """Create the projections."""
        super().__init__()
        self.num_heads = config.num_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend over x [B, L, D]; mask [B, 1, 1, L] is False at padding."""
        heads = (*x.shape[:2], self.num_heads, -1)
        query = self.query(x).view(heads).transpose(1, 2)  # [B, heads, L, head_dim]
        key = self.key(x).view(heads).transpose(1, 2)
        value = self.value(x).view(heads).transpose(1, 2)
        out = attention(query, key, value, mask=mask)
        return out.transpose(1, 2).reshape(x.shape)


class BertOutput(nn.Module):
    """A linear layer whose result is added to the residual and normalised."""

    def __init__(self, width: int, config: BertConfig) -> None:
        """Create the layer for inputs of `width` channels."""
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """Map x [B, L, width] and the residual [B, L, D] to tokens [B, L, D]."""
        out: Tensor = self.LayerNorm(self.dense(x) + residual)
        return out


class BertAttention(nn.Module):
    """Self-attention with its residual connection."""

    def __init__(self, config: BertConfig) -> None:
        """Create both halves."""
        super().__init__()
        self.self = BertSelfAttention(config)
        self.output = BertOutput(config.hidden_size, config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map tokens x [B, L, D] to tokens of the same shape."""
        out: Tensor = self.output(self.self(x, mask), x)
        return out


class BertLayer(nn.Module):
    """One post-norm transformer layer."""

    def __init__(self, config: BertConfig) -> None:
        """Create the layer."""
        super().__init__()
        self.attention = BertAttention(config)
        hidden = nn.Linear(config.hidden_size, config.intermediate_size)
        self.intermediate = nn.ModuleDict({'dense': hidden})
        self.output = BertOutput(config.intermediate_size, config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map tokens x [B, L, D] to tokens of the same shape."""
        x = self.attention(x, mask)
        out: Tensor = self.output(functional.gelu(self.intermediate['dense'](x)), x)
        return out


class BertYEncoder(YEncoder):
    """BERT without its pooler. Nothing is dropped out: it is only ever fine-tuned gently."""

    def __init__(self, config: ModelConfig) -> None:
        """Create the encoder for a `config.y_encoder` of this architecture."""
        text = config.y_encoder
        assert isinstance(text, BertConfig)
        super().__init__(config)
        self.config = text
        self.embeddings = BertEmbeddings(text)
        layers = nn.ModuleList(BertLayer(text) for _ in range(text.num_layers))
        self.encoder = nn.ModuleDict({'layer': layers})
        initialise(self)

    def encode(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the contextual tokens [B, L, D] of ids [B, L] (mask False at padding)."""
        x: Tensor = self.embeddings(ids)
        everywhere = mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, everywhere)
        return x

    @property
    def layers(self) -> nn.ModuleList:
        """The transformer layers."""
        layers = self.encoder['layer']
        assert isinstance(layers, nn.ModuleList)
        return layers
