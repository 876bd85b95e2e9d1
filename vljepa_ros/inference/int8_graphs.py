# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs whose linear layers compute in 8 bits, by NNCF's quantisation after training.

Weights are rounded to 127 steps of each output's largest weight (those of the patches to 64, which
cannot overflow on any processor), activations to 127 steps of the largest value that turned up in
calibration. Before that, channels of large activations are made smaller and the weights that meet
them larger (SmoothQuant, arXiv 2211.10438). The products of queries and keys compute in 8 bits,
too; the rest of the graph stays as it is. The graph says so in pairs of QuantizeLinear and
DequantizeLinear, which ONNX Runtime and OpenVINO turn into integer kernels.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vljepa_ros.errors import MissingDependencyError

# NNCF reports its use to a server unless it is told that it runs in a test.
os.environ.setdefault('NNCF_CI', '1')
try:
    import nncf
    import onnx
    import onnx_ir as ir
    from nncf.quantization.advanced_parameters import AdvancedSmoothQuantParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet
    from onnxruntime.quantization.shape_inference import quant_pre_process
except ImportError as error:
    raise MissingDependencyError(
        f'{error.name or error} is not installed. Install what writes 8-bit graphs with: '
        'pip install nncf onnxruntime onnx onnx-ir'
    ) from error

Inputs = Mapping[str, np.ndarray]
SMOOTHING = 0.5  # of SmoothQuant: how much of their size activations give to the weights


def quantised(graph: ir.Model, samples: Sequence[Inputs]) -> ir.Model:
    """Return a copy of a graph whose linear layers compute in 8 bits.

    Args:
        graph: in float32, its weights inside.
        samples: calibration inputs by name, one or more.
    """
    nncf.set_log_level(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        source, folded = Path(name) / 'a.onnx', Path(name) / 'b.onnx'
        ir.save(graph, source)
        # Weights that are transposed or reordered in the graph become plain matrices.
        quant_pre_process(source, folded, skip_symbolic_shape=True)
        result = nncf.quantize(
            onnx.load(folded),
            nncf.Dataset([dict(sample) for sample in samples]),
            model_type=nncf.ModelType.TRANSFORMER,
            # OpenVINO has fast kernels for symmetric activations only.
            preset=nncf.QuantizationPreset.PERFORMANCE,
            # Tables of words stay in the checkpoint's file.
            ignored_scope=nncf.IgnoredScope(types=['Gather'], validate=False),
            subset_size=len(samples),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
                smooth_quant_alphas=AdvancedSmoothQuantParameters(matmul=SMOOTHING),
                # Biases stay in the checkpoint's file; corrected, they changed no answer.
                disable_bias_correction=True,
            ),
        )
    quantised_graph = ir.from_proto(result)
    quantised_graph.graph.name = graph.graph.name
    return quantised_graph
