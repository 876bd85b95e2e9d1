# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs whose linear layers compute in 8 bits, by ONNX Runtime's static quantisation.

Weights are rounded to 127 steps of each output's largest weight, activations to 127 steps of the
largest value that turned up in calibration. The rest of the graph stays as it is. The graph says
so in pairs of QuantizeLinear and DequantizeLinear, which ONNX Runtime and OpenVINO turn into
integer kernels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from vljepa_ros.errors import MissingDependencyError

try:
    import onnx_ir as ir
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process
except ImportError as error:
    raise MissingDependencyError(
        f'{error.name} is not installed. Install what writes 8-bit graphs with: '
        'pip install onnxruntime onnx onnx-ir'
    ) from error

Inputs = Mapping[str, np.ndarray]
# OpenVINO has fast kernels for symmetric activations only.
OPTIONS = {'ActivationSymmetric': True, 'WeightSymmetric': True, 'MatMulConstBOnly': True}


class _Samples(CalibrationDataReader):
    def __init__(self, samples: Sequence[Inputs]) -> None:
        self._samples: Iterator[Inputs] = iter(samples)

    def get_next(self) -> Inputs | None:
        return next(self._samples, None)


def quantised(graph: ir.Model, samples: Sequence[Inputs]) -> ir.Model:
    """Return a copy of a graph whose linear layers compute in 8 bits.

    Args:
        graph: in float32, its weights inside.
        samples: calibration inputs by name, one or more.
    """
    with tempfile.TemporaryDirectory() as name:
        source, folded, target = (Path(name) / file for file in ('a.onnx', 'b.onnx', 'c.onnx'))
        ir.save(graph, source)
        # Weights that are transposed or reordered in the graph become plain matrices.
        quant_pre_process(source, folded, skip_symbolic_shape=True)
        quantize_static(
            folded,
            target,
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['MatMul', 'Gemm'],
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QInt8,
            extra_options=OPTIONS,
        )
        result = ir.load(target)
    result.graph.name = graph.graph.name
    return result
