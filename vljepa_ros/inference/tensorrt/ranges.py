# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How many clips, texts and tokens an engine takes at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vljepa_ros.inference.graphs import GraphSpec, Port, length_limits
from vljepa_ros.model.config import ModelConfig

# Numbers in one layer's activations at most. Memory is taken for the largest batch, whether it
# comes or not: in half precision this is 64 MiB, and some four times that in an MLP.
MOST_NUMBERS = 1 << 25
MOST_CLIPS, MOST_QUERIES, MOST_TEXTS, MOST_VECTORS = 8, 32, 64, 256


@dataclass(frozen=True)
class Range:
    """Sizes of a dimension that calls choose; kernels are tuned for the `usual` one."""

    least: int
    usual: int
    most: int

    def __contains__(self, size: int) -> bool:
        """Whether an engine takes this size."""
        return self.least <= size <= self.most


def dynamic_ranges(config: ModelConfig, spec: GraphSpec) -> dict[str, Range]:
    """Return the range of each dimension of a graph's inputs that has a name.

    The lengths of texts go up to what the model reads. Batches go up to what bounded memory
    takes; larger ones are cut, see `batches`.
    """
    lengths = length_limits(config)
    visual = config.num_visual_tokens
    clip = visual * config.vision.hidden_size
    answer = (visual + lengths['query_length']) * config.predictor.llama.hidden_size
    both = max(1, MOST_NUMBERS // answer)
    queries = min(MOST_QUERIES, max(1, both // 2)) if spec.name == 'predictor' else MOST_QUERIES
    fits = {
        'x_encoder': MOST_NUMBERS // clip,
        'predictor': both // queries,
        'y_encoder': MOST_NUMBERS // (lengths['text_length'] * config.y_encoder.hidden_size),
        'y_decoder': MOST_NUMBERS
        // (lengths['written_length'] * config.y_decoder.llama.hidden_size),
    }
    fit = max(1, fits.get(spec.name, MOST_VECTORS))
    usual_and_most = {
        'clips': (1, min(MOST_CLIPS, fit)),
        'queries': (2, queries),
        'query_length': (12, lengths['query_length']),
        'texts': (8, min(MOST_TEXTS, fit)),
        'text_length': (16, lengths['text_length']),
        'written_length': (8, lengths['written_length']),
        'states': (1, MOST_CLIPS),
        'actions': (8, MOST_TEXTS),
        'pairs': (1, MOST_VECTORS),
    }
    names = dict.fromkeys(size for port in spec.inputs for size in port.shape)
    return {
        name: Range(1, min(usual, most), most)
        for name, (usual, most) in usual_and_most.items()
        if name in names
    }


def port_shapes(port: Port, ranges: Mapping[str, Range]) -> tuple[tuple[int, ...], ...]:
    """Return the least, the usual and the largest shape of an input."""
    return tuple(
        tuple(
            getattr(ranges[size], which) if isinstance(size, str) else size for size in port.shape
        )
        for which in ('least', 'usual', 'most')
    )
