# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lets an ONNX graph read its weights out of a safetensors file.

A safetensors file holds plain tensors one after another, which is what ONNX calls external data. A
tensor that is stored in another type than the graph computes in gets a cast behind it, which the
runtimes carry out once, when they load the graph.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir

from vljepa_ros.errors import CheckpointError
from vljepa_ros.model.compact import SCALE

DTYPES = {
    'F32': ir.DataType.FLOAT,
    'F16': ir.DataType.FLOAT16,
    'BF16': ir.DataType.BFLOAT16,
    'I8': ir.DataType.INT8,
}


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies in a file: type, shape, first byte and number of bytes."""

    dtype: ir.DataType
    shape: tuple[int, ...]
    offset: int
    length: int


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Read the table at the beginning of a safetensors file.

    Raises:
        CheckpointError: it is no safetensors file.
    """
    try:
        with path.open('rb') as file:
            (size,) = struct.unpack('<Q', file.read(8))
            if size > path.stat().st_size:
                raise ValueError('its table is longer than the file')
            table = json.loads(file.read(size))
        first = 8 + size
        return {
            name: StoredTensor(
                dtype=DTYPES[entry['dtype']],
                shape=tuple(entry['shape']),
                offset=first + entry['data_offsets'][0],
                length=entry['data_offsets'][1] - entry['data_offsets'][0],
            )
            for name, entry in table.items()
            if name != '__metadata__'
        }
    except (OSError, struct.error, ValueError, KeyError) as error:
        raise CheckpointError(
            f'{path} is truncated or no safetensors file ({error}). Copy it again'
        ) from error


def refer_to_weights(model: ir.Model, path: Path, *, gather_tables: bool = False) -> None:
    """Replace a graph's weights by references to the file.

    Args:
        model: its initializers carry the names in the file; those that are not there (tables that
            are computed) stay inside.
        path: the safetensors file, which will lie beside the graph.
        gather_tables: rows of 8-bit tables are widened when they have been looked up, and not the
            whole table at loading.

    Raises:
        CheckpointError: the file is damaged.
    """
    stored = stored_tensors(path)
    graph = model.graph
    for name in [name for name in graph.initializers if name in stored]:
        value = graph.initializers.pop(name)
        wanted = value.dtype
        assert wanted is not None
        own = _initializer(graph, name, stored[name], path)
        if name + SCALE in stored:
            scale = _initializer(graph, name + SCALE, stored[name + SCALE], path)
            if gather_tables:
                _look_up(value, own, scale)
            else:
                _replace(graph, value, _widened(graph, own, scale, wanted))
        else:
            _replace(graph, value, own if own.dtype == wanted else _cast(graph, own, wanted))


def _initializer(graph: ir.Graph, name: str, tensor: StoredTensor, path: Path) -> ir.Value:
    data = ir.ExternalTensor(
        location=path.name,
        offset=tensor.offset,
        length=tensor.length,
        dtype=tensor.dtype,
        shape=ir.Shape(tensor.shape),
        name=name,
        base_dir=path.parent,
    )
    return _constant(graph, data)


def _constant(graph: ir.Graph, tensor: ir.TensorProtocol) -> ir.Value:
    value = ir.Value(
        name=tensor.name,
        shape=ir.Shape(tensor.shape),
        type=ir.TensorType(tensor.dtype),
        const_value=tensor,
    )
    graph.register_initializer(value)
    return value


def _node(graph: ir.Graph, kind: str, inputs: list[ir.Value], **values: int) -> ir.Value:
    """Put a node in front of all others but those whose outputs it reads."""
    attributes = [ir.AttrInt64(key, value) for key, value in values.items()]
    node = ir.Node('', kind, inputs, attributes, num_outputs=1)
    before = [value.producer() for value in inputs if value.producer() is not None]
    if before:
        graph.insert_after(before[-1], node)
    else:
        graph.insert_before(graph[0], node)
    return node.outputs[0]


def _cast(graph: ir.Graph, value: ir.Value, dtype: ir.DataType) -> ir.Value:
    cast = _node(graph, 'Cast', [value], to=int(dtype))
    cast.type, cast.shape = ir.TensorType(dtype), value.shape
    return cast


def _replace(graph: ir.Graph, old: ir.Value, new: ir.Value) -> None:
    for node, index in list(old.uses()):
        node.replace_input_with(index, new)


def _look_up(old: ir.Value, table: ir.Value, scale: ir.Value) -> None:
    """Let the nodes that look up rows of a table look them up in 8 bits."""
    for gather, _ in list(old.uses()):
        assert gather.op_type == 'Gather' and gather.graph is not None
        (found,) = gather.outputs
        ids = gather.inputs[1]
        rows = ir.node('Gather', [table, ids])
        steps = ir.node('Gather', [scale, ids])
        wide = ir.node('Cast', [rows.outputs[0]], {'to': int(ir.DataType.FLOAT)})
        product = ir.node('Mul', [wide.outputs[0], steps.outputs[0]])
        gather.graph.insert_after(gather, [rows, steps, wide, product])
        product.outputs[0].type, product.outputs[0].shape = found.type, found.shape
        for node, index in list(found.uses()):
            node.replace_input_with(index, product.outputs[0])
        gather.graph.remove(gather, safe=True)


def _widened(graph: ir.Graph, table: ir.Value, scale: ir.Value, dtype: ir.DataType) -> ir.Value:
    """Return an 8-bit table in the type that the graph computes in.

    It is written as a dequantisation: TensorRT takes 8-bit constants in no other form.
    """
    rows = ir.Shape([table.shape[0]])
    shape = ir.tensor(np.array([-1]), name=f'{table.name}.rows')
    flat = _node(graph, 'Reshape', [scale, _constant(graph, shape)])
    flat.type, flat.shape = ir.TensorType(ir.DataType.FLOAT), rows
    wide = _node(graph, 'DequantizeLinear', [table, flat], axis=0)
    wide.type, wide.shape = ir.TensorType(ir.DataType.FLOAT), table.shape
    return wide if dtype == wide.dtype else _cast(graph, wide, dtype)
