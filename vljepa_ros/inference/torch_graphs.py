# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graphs as PyTorch modules: the torch backend runs them, the export writes them."""

from __future__ import annotations

from torch import Tensor, nn

from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.y_decoder import YDecoder


class PredictorGraph(nn.Module):
    """Answers every query about every clip."""

    def __init__(self, network: Predictor) -> None:
        """Take the Predictor."""
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, query_ids: Tensor, query_mask: Tensor) -> Tensor:
        """Map tokens [B, N, D_vision], ids and mask [Q, L] to unit vectors [B, Q, D]."""
        return self.network.answers(tokens, query_ids, query_mask)


class YDecoderGraph(nn.Module):
    """Predicts one token of a text."""

    def __init__(self, network: YDecoder) -> None:
        """Take the Y-Decoder."""
        super().__init__()
        self.network = network

    def forward(self, vectors: Tensor, written_ids: Tensor) -> Tensor:
        """Map vectors [B, D] and token ids [B, L] to log-probabilities [B, vocab_size]."""
        return self.network.next_token(vectors, written_ids)


def graph_module(network: nn.Module) -> nn.Module:
    """Return the graph of a network: itself where its `forward` is the graph."""
    if isinstance(network, Predictor):
        return PredictorGraph(network)
    if isinstance(network, YDecoder):
        return YDecoderGraph(network)
    return network
