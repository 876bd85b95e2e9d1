# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graphs that every backend runs: one a network, with named inputs and one output.

A dimension is a number where the checkpoint fixes it, and a name where a call does.
"""

from __future__ import annotations

from dataclasses import dataclass

from vljepa_ros.model.config import ModelConfig

Dimension = int | str


@dataclass(frozen=True)
class Port:
    """An input or output: its name, NumPy data type and shape."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]


@dataclass(frozen=True)
class GraphSpec:
    """One graph; `name` is that of its component."""

    name: str
    inputs: tuple[Port, ...]
    output: Port


def graph_spec(config: ModelConfig, component: str) -> GraphSpec:
    """Return the graph of a component of a checkpoint.

    Args:
        config: of the checkpoint.
        component: one of `model.components.COMPONENTS`.
    """
    width, size = config.embedding_dim, config.image_size
    tokens = Port(
        'tokens', 'float32', ('clips', config.num_visual_tokens, config.vision.hidden_size)
    )
    clip = (config.clip_frames, size, size, 3)

    def vectors(name: str, count: str) -> Port:
        return Port(name, 'float32', (count, width))

    def text(name: str, count: str) -> tuple[Port, Port]:
        shape = (count, f'{name}_length')
        return Port(f'{name}_ids', 'int64', shape), Port(f'{name}_mask', 'bool', shape)

    table = {
        'x_encoder': ((Port('clip_frames', 'uint8', ('clips', *clip)),), tokens),
        'predictor': (
            (tokens, *text('query', 'queries')),
            Port('answers', 'float32', ('clips', 'queries', width)),
        ),
        'y_encoder': (text('text', 'texts'), vectors('text_vectors', 'texts')),
        'y_decoder': (
            (
                vectors('vectors', 'texts'),
                Port('written_ids', 'int64', ('texts', 'written_length')),
            ),
            Port('log_probabilities', 'float32', ('texts', config.y_decoder.llama.vocab_size)),
        ),
        'transition': (
            (vectors('states', 'states'), vectors('actions', 'actions')),
            Port('states_after', 'float32', ('states', 'actions', width)),
        ),
        'inverse': (
            (vectors('initial_states', 'pairs'), vectors('goal_states', 'pairs')),
            vectors('action_vectors', 'pairs'),
        ),
    }
    inputs, output = table[component]
    return GraphSpec(component, inputs, output)
