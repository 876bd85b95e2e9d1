# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the ONNX graphs of a checkpoint; its weights stay where they are.

The graphs name the tensors in the checkpoint's `*.safetensors` as their external data, so a graph
is a few hundred kilobytes and no weight is stored twice. Precision is part of the graph: its
matrix products run in the type that its name says, inputs and outputs are float32 in all.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import shutil
import warnings
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vljepa_ros.errors import ConfigurationError, MissingDependencyError

INSTALL = 'Install what the export needs with: pip install torch onnx-ir onnxscript'
try:
    import onnx_ir as ir
    import torch
    from onnxscript.optimizer import optimize_ir
except ImportError as error:
    raise MissingDependencyError(f'{error.name} is not installed. {INSTALL}') from error

from torch import Tensor, nn  # noqa: E402

from vljepa_ros.inference import graph_weights  # noqa: E402
from vljepa_ros.inference.external_weights import refer_to_weights  # noqa: E402
from vljepa_ros.inference.graphs import (  # noqa: E402
    GRAPH_PRECISIONS,
    IN_INT8,
    GraphSpec,
    graph_file,
    graph_spec,
    length_limits,
)
from vljepa_ros.inference.torch_calibration import calibration_samples  # noqa: E402
from vljepa_ros.inference.torch_graphs import graph_module  # noqa: E402
from vljepa_ros.model.checkpoint import load_checkpoint  # noqa: E402
from vljepa_ros.model.checkpoint_folder import weights_file  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402

if TYPE_CHECKING:
    import numpy as np

    from vljepa_ros.model.config import ModelConfig
    from vljepa_ros.model.vl_jepa import VLJEPA

# Newer operator sets hold attention as one operator, which TensorRT refuses in float32.
OPSET = 18
DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}
MAX_BATCH = 4096
MAX_FOLDED = 512  # numbers


class Typed(nn.Module):
    """A graph whose numbers inside have another type than its inputs and outputs."""

    def __init__(self, inner: nn.Module, dtype: torch.dtype) -> None:
        """Take a graph in float32 and turn its weights into `dtype`."""
        super().__init__()
        self.inner = inner.to(dtype)
        self.dtype = dtype

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run the graph."""
        typed = (value.to(self.dtype) if value.is_floating_point() else value for value in inputs)
        output: Tensor = self.inner(*typed).float()
        return output


def export_graphs(
    folder: Path,
    *,
    out: Path | None = None,
    components: Collection[str] = COMPONENTS,
    precisions: Collection[str] = ('fp32',),
    calibration: np.ndarray | None = None,
    on_graph: Callable[[Path], None] = lambda path: None,
) -> list[Path]:
    """Write the graphs of a checkpoint.

    Args:
        folder: the checkpoint.
        out: another folder, which becomes a whole copy of the checkpoint; None writes beside its
            weights.
        components: the networks to write; planning heads that it lacks are left out.
        precisions: 'fp32', 'fp16', 'bf16': one graph each; 'int8': one for what runs for every
            clip, `graphs.IN_INT8`.
        calibration: for 'int8': clips uint8 [N, T, S, S, 3] like those that the model will see.
        on_graph: called with the path of each written graph.

    Returns:
        The written files, `<component>.<precision>.onnx`.

    Raises:
        CheckpointError: the checkpoint is incomplete or damaged.
        ConfigurationError: an unknown component or precision, or no clips for 'int8'.
        MissingDependencyError: PyTorch's exporter, or what makes 8-bit graphs, is not installed.
    """
    if not precisions or not set(precisions) <= set(GRAPH_PRECISIONS):
        raise ConfigurationError(
            f'precisions are {sorted(precisions)}; allowed are one or more of '
            f'{list(GRAPH_PRECISIONS)}'
        )
    if 'int8' in precisions and (calibration is None or not len(calibration)):
        raise ConfigurationError(
            'int8 needs clips like those that the model will see, to calibrate it by; give videos '
            'with --calibration'
        )
    model = load_checkpoint(folder, components=components)
    whole = load_checkpoint(folder, components=IN_INT8) if 'int8' in precisions else model
    target = folder if out is None else _copied(folder, out)
    written = []
    for component, network in model.networks.items():
        for precision in precisions:
            if precision != 'int8':
                graph = export_network(network, model.config, component, precision=precision)
            elif component in IN_INT8:
                assert calibration is not None
                graph = export_in_int8(whole, component, calibration)
            else:
                continue
            path = target / graph_file(component, precision)
            _write(graph, path, target / weights_file(component), gather=precision == 'int8')
            written.append(path)
            on_graph(path)
    return written


def _write(graph: ir.Model, path: Path, weights: Path, *, gather: bool) -> None:
    """Write a graph that refers to a checkpoint's weights beside it."""
    refer_to_weights(graph, weights, gather_tables=gather)
    graph.metadata_props[graph_weights.KEY] = graph_weights.weights_digest(weights)
    partial = path.with_name(f'.{path.name}.partial')
    ir.save(graph, partial)
    partial.replace(path)


def export_in_int8(model: VLJEPA, component: str, clips: np.ndarray) -> ir.Model:
    """Return the graph of the X-Encoder or the Predictor with linear layers in 8 bits.

    Args:
        model: with X-Encoder and Predictor, on the CPU.
        component: 'x_encoder' or 'predictor'.
        clips: uint8 [N, T, S, S, 3], to calibrate by.
    """
    from vljepa_ros.inference.int8_graphs import quantised

    graph = export_network(model.network(component), model.config, component, precision='fp32')
    return quantised(graph, calibration_samples(model, component, clips))


def export_network(
    network: nn.Module, config: ModelConfig, component: str, *, precision: str
) -> ir.Model:
    """Return the graph of a network, its weights inside under their names in the checkpoint.

    Args:
        network: in evaluation mode, float32.
        config: of its model.
        component: its name.
        precision: 'fp32', 'fp16' or 'bf16'.
    """
    spec = graph_spec(config, component)
    module = graph_module(network)
    wrapped = '' if module is network else 'network.'
    if precision != 'fp32':
        own = copy.deepcopy(module)  # the caller's network keeps its weights
        module, wrapped = Typed(own, DTYPES[precision]), f'inner.{wrapped}'
    inputs, dynamic = _example(spec, config)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _quiet():
        warnings.simplefilter('ignore')  # of the exporter, about itself
        program = torch.onnx.export(
            module.eval(),
            inputs,
            dynamo=True,
            opset_version=OPSET,
            input_names=[port.name for port in spec.inputs],
            output_names=[spec.output.name],
            # torch.export sees what follows a star as one argument.
            dynamic_shapes=(dynamic,) if isinstance(module, Typed) else dynamic,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model
    optimize_ir(graph, should_fold=_may_fold)
    for value in list(graph.graph.initializers.values()):
        assert value.name is not None
        value.name = value.name.removeprefix(wrapped)
    for node in graph.graph:
        node.metadata_props.clear()  # where in the sources it came from
    graph.graph.name = component
    return graph


def _may_fold(node: ir.Node) -> bool | None:
    """Keep weights as they are stored: folded into another shape they would be stored again."""
    large = any(
        value is not None and value.const_value is not None and value.const_value.size > MAX_FOLDED
        for value in node.inputs
    )
    return False if large else None


def _example(
    spec: GraphSpec, config: ModelConfig
) -> tuple[tuple[Tensor, ...], tuple[dict[int, torch.export.Dim], ...]]:
    """Return inputs of the right shapes, and the dimensions that may differ from theirs."""
    names = dict.fromkeys(
        size for port in spec.inputs for size in port.shape if isinstance(size, str)
    )
    limits = length_limits(config)
    # Sizes that differ from each other and from 1, lest two of them count as one.
    examples = {name: 3 + 2 * number for number, name in enumerate(names)}
    sizes = {
        name: torch.export.Dim(name, min=1, max=limits.get(name, MAX_BATCH)) for name in names
    }
    inputs, dynamic = [], []
    for port in spec.inputs:
        shape = [examples[size] if isinstance(size, str) else size for size in port.shape]
        inputs.append(torch.ones(shape, dtype=getattr(torch, port.dtype)))
        dynamic.append(
            {axis: sizes[size] for axis, size in enumerate(port.shape) if isinstance(size, str)}
        )
    return tuple(inputs), tuple(dynamic)


def _copied(folder: Path, out: Path) -> Path:
    """Copy a checkpoint without its graphs."""
    out.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.suffix != '.onnx' and not path.name.startswith('.'):
            shutil.copyfile(path, out / path.name)
    return out


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks about libraries that it does not find."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
