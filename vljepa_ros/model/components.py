# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The names of the networks that a model consists of."""

from __future__ import annotations

from collections.abc import Collection

from vljepa_ros.errors import EngineError
from vljepa_ros.model.config import ModelConfig

COMPONENTS = ('x_encoder', 'predictor', 'y_encoder', 'y_decoder', 'transition', 'inverse')
TOKENIZED = ('predictor', 'y_encoder', 'y_decoder')
PLANNING = ('transition', 'inverse')  # a checkpoint may lack them
SPACE = ('x_encoder', 'predictor', 'y_encoder')  # they span the embedding space,
READERS = ('y_decoder', *PLANNING)  # and these read it


def present(config: ModelConfig) -> tuple[str, ...]:
    """Return the names of the networks that a model of this configuration has."""
    return tuple(
        name for name in COMPONENTS if name not in PLANNING or getattr(config, name) is not None
    )


def require_loaded(config: ModelConfig, component: str, loaded: Collection[str]) -> None:
    """Check that a component can be used.

    Raises:
        EngineError: it was not loaded, or the model has none.
    """
    if component not in present(config):
        raise EngineError(
            f'The model {config.name!r} has no {component!r}: it was trained without this '
            'planning head. Use a model whose config.json names it, or train it'
        )
    if component not in loaded:
        raise EngineError(
            f'The component {component!r} is not loaded; loaded are {sorted(loaded)}. '
            f'Load the model with components that include {component!r}'
        )


def max_tokens(config: ModelConfig, component: str) -> int:
    """Return how many tokens of text `predictor`, `y_encoder` or `y_decoder` takes at most."""
    limits = {
        'predictor': config.predictor.max_query_tokens,
        'y_encoder': config.y_encoder.max_tokens,
        'y_decoder': config.y_decoder.max_tokens - 2,  # [BOS] and [EOS]
    }
    return limits[component]
