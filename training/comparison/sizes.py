# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How large the compared models are."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from training.comparison.vlm import TokenVLM
from vljepa_ros.model.predictor import Predictor
from vljepa_ros.model.vl_jepa import VLJEPA


def parameter_count(module: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def parameters(vljepa: VLJEPA, vlm: TokenVLM) -> Mapping[str, int]:
    """Count what is trained, part by part.

    Tables of token embeddings stand apart: most of their rows are never read, and the paper's
    sizes (0.5B and 1B) leave them out as well.
    """
    predictor = vljepa.network('predictor')
    assert isinstance(predictor, Predictor)
    table = parameter_count(predictor.embed_tokens)
    return {
        'vljepa.predictor': parameter_count(predictor) - table,
        'vljepa.query_table': table,
        'vljepa.y_encoder': parameter_count(vljepa.network('y_encoder')),
        'vljepa.y_decoder': parameter_count(vljepa.network('y_decoder')),
        'vlm.blocks': parameter_count(vlm) - parameter_count(vlm.embed_tokens),
        'vlm.token_table': parameter_count(vlm.embed_tokens),
    }
