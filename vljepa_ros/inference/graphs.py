# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graphs that every backend runs: one a network, with named inputs and one output.

A dimension is a number where the checkpoint fixes it, and a name where a call does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vljepa_ros.errors import CheckpointError
from vljepa_ros.model.config import ModelConfig

FLOAT_PRECISIONS = ('fp32', 'fp16', 'bf16')
GRAPH_PRECISIONS = (*FLOAT_PRECISIONS, 'int8')
# What runs for every clip; all other graphs of a checkpoint in int8 are those in fp32.
IN_INT8 = ('x_encoder', 'predictor')
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


def graph_file(component: str, precision: str) -> str:
    """Return the file name of a graph in a checkpoint."""
    return f'{component}.{precision}.onnx'


def existing_graph(folder: Path, component: str, precision: str) -> Path:
    """Return the path of a checkpoint's graph, in int8 that in fp32 for what has no other.

    Raises:
        CheckpointError: the checkpoint has no such graph.
    """
    if precision == 'int8' and component not in IN_INT8:
        precision = 'fp32'
    path = folder / graph_file(component, precision)
    if not path.is_file():
        films = ' --calibration VIDEO' if precision == 'int8' else ''
        raise CheckpointError(
            f'{folder} has no graph {path.name}. Write it, on a machine with PyTorch, with: '
            f'vljepa export {folder} --precision {precision}{films}'
        )
    return path


def check_ports(
    path: Path,
    spec: GraphSpec,
    *,
    inputs: Mapping[str, Sequence[object]],
    outputs: Mapping[str, Sequence[object]],
) -> None:
    """Check what a loaded graph says of itself.

    Args:
        path: its file.
        spec: what it should be.
        inputs: shapes by name; what is no number may be anything.
        outputs: likewise.

    Raises:
        CheckpointError: it was written for another component or configuration.
    """
    wanted = {port.name: port.shape for port in (*spec.inputs, spec.output)}
    found = {**inputs, **outputs}
    same = set(inputs) == {port.name for port in spec.inputs} and set(outputs) == {
        spec.output.name
    }
    for name, shape in wanted.items():
        got = found.get(name, ())
        same = same and len(got) == len(shape)
        same = same and all(
            size == own
            for size, own in zip(shape, got, strict=False)
            if isinstance(size, int) and isinstance(own, int)
        )
    if not same:
        raise CheckpointError(
            f'{path} is not the graph of {spec.name} that config.json beside it describes: it '
            f'has {_written(found)}; expected is {_written(wanted)}. Write it again with: '
            'vljepa export'
        )


def _written(ports: Mapping[str, Sequence[object]]) -> str:
    return ', '.join(f'{name} {list(shape)}' for name, shape in ports.items())


def length_limits(config: ModelConfig) -> dict[str, int]:
    """Return the most tokens of each dimension that is the length of texts."""
    return {
        'query_length': config.predictor.max_query_tokens,
        'text_length': config.y_encoder.max_tokens,
        'written_length': config.y_decoder.max_tokens,
    }


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
