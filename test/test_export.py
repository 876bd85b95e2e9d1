# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ONNX graphs: small files beside the weights, and the same numbers as PyTorch."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')

import onnx  # noqa: E402
from graph_inputs import SIZES, graph_inputs, least_cosine  # noqa: E402
from untrained import build_untrained_checkpoint, save_compact  # noqa: E402

from vljepa_ros.errors import CheckpointError, ConfigurationError  # noqa: E402
from vljepa_ros.inference.external_weights import stored_tensors  # noqa: E402
from vljepa_ros.inference.graphs import graph_file, graph_spec  # noqa: E402
from vljepa_ros.inference.onnxruntime_backend import OnnxRuntimeBackend  # noqa: E402
from vljepa_ros.inference.torch_backend import TorchBackend  # noqa: E402
from vljepa_ros.inference.torch_export import export_graphs  # noqa: E402
from vljepa_ros.model.checkpoint import load_checkpoint  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config, weights_file  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402

# What is asked of the graphs: cosines with the reference.
LEAST_COSINE = {'fp32': 0.9999, 'fp16': 0.999}


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as it is shipped: half precision, tables of words in 8 bits."""
    folder = tmp_path_factory.mktemp('export')
    model = load_checkpoint(build_untrained_checkpoint(folder))
    return save_compact(model, folder / 'compact', tokenizers=folder)


@pytest.fixture(scope='module')
def exported(checkpoint: Path) -> Path:
    def weights() -> list[str]:
        paths = [checkpoint / weights_file(name) for name in COMPONENTS]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    before = weights()
    seen: list[Path] = []
    written = export_graphs(checkpoint, precisions=('fp32', 'fp16'), on_graph=seen.append)
    assert weights() == before
    assert written == seen
    assert {path.name for path in written} == {
        graph_file(name, precision) for name in COMPONENTS for precision in ('fp32', 'fp16')
    }
    return checkpoint


@pytest.fixture(scope='module')
def reference(exported: Path) -> TorchBackend:
    return TorchBackend(exported, COMPONENTS, device='cpu', threads=1)


@pytest.mark.parametrize('component', COMPONENTS)
@pytest.mark.parametrize('precision', LEAST_COSINE)
@pytest.mark.parametrize('sizes', SIZES, ids=lambda sizes: f'{sizes["clips"]}')
def test_same_numbers_as_torch(
    exported: Path,
    reference: TorchBackend,
    component: str,
    precision: str,
    sizes: dict[str, int],
) -> None:
    config = load_config(exported)
    backend = OnnxRuntimeBackend(exported, config, (component,), precision=precision, threads=1)
    inputs = graph_inputs(graph_spec(config, component), sizes)
    expected = reference.to_numpy(reference.run(component, *inputs))
    output = backend.run(component, *inputs)
    assert output.dtype == np.float32
    assert output.shape == expected.shape
    assert least_cosine(output, expected) >= LEAST_COSINE[precision]


@pytest.mark.parametrize('component', COMPONENTS)
def test_no_weight_is_stored_twice(exported: Path, component: str) -> None:
    weights = exported / weights_file(component)
    for precision in LEAST_COSINE:
        path = exported / graph_file(component, precision)
        graph = onnx.load(path, load_external_data=False).graph
        outside = [tensor for tensor in graph.initializer if tensor.external_data]
        places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in outside]
        assert {place['location'] for place in places} == {weights.name}
        stored = stored_tensors(weights)  # equal vectors, as of fresh weights, are merged
        matrices = {name for name, tensor in stored.items() if np.prod(tensor.shape) > 512}
        assert matrices <= {tensor.name for tensor in outside}
        inside = [
            int(np.prod(tensor.dims)) for tensor in graph.initializer if not tensor.external_data
        ]
        largest = load_config(exported).num_visual_tokens * 64  # a table of rotations
        assert max(inside, default=0) <= largest
        onnx.checker.check_model(str(path), full_check=True)


def test_a_graph_of_other_weights_is_seen(exported: Path, tmp_path: Path) -> None:
    """What the graph refers to must be there, and be what it was written for."""
    config = load_config(exported)
    copy = shutil.copytree(exported, tmp_path / 'copy')
    (copy / weights_file('inverse')).unlink()
    with pytest.raises(CheckpointError, match='inverse.fp32.onnx cannot be loaded'):
        OnnxRuntimeBackend(copy, config, ('inverse',), precision='fp32', threads=1)
    shutil.copyfile(copy / graph_file('inverse', 'fp32'), copy / graph_file('transition', 'fp32'))
    shutil.copyfile(copy / weights_file('transition'), copy / weights_file('inverse'))
    with pytest.raises(CheckpointError, match='is not the graph of transition'):
        OnnxRuntimeBackend(copy, config, ('transition',), precision='fp32', threads=1)
    (copy / graph_file('transition', 'fp32')).write_bytes(b'\x08\x0anonsense')
    with pytest.raises(CheckpointError, match='transition.fp32.onnx cannot be loaded'):
        OnnxRuntimeBackend(copy, config, ('transition',), precision='fp32', threads=1)
    with pytest.raises(CheckpointError, match=r'no graph transition.bf16.onnx.*vljepa export'):
        OnnxRuntimeBackend(copy, config, ('transition',), precision='bf16', threads=1)


def test_another_folder_becomes_a_checkpoint(exported: Path, tmp_path: Path) -> None:
    (path,) = export_graphs(exported, out=tmp_path / 'new', components=('inverse',))
    assert path == tmp_path / 'new' / graph_file('inverse', 'fp32')
    assert [file.name for file in path.parent.glob('*.onnx')] == [path.name]
    config = load_config(path.parent)
    OnnxRuntimeBackend(path.parent, config, ('inverse',), precision='fp32', threads=1)
    assert load_checkpoint(path.parent, components=('y_encoder',))


@pytest.mark.parametrize('precisions', [(), ('fp8',), ('fp32', 'int4')])
def test_wrong_precision(exported: Path, precisions: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="allowed are one or more of .'fp32', 'fp16'"):
        export_graphs(exported, precisions=precisions)


@pytest.mark.parametrize('content', [b'', b'\xff' * 20, b'\x05' + bytes(7) + b'{"a":'])
def test_damaged_weights(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'x_encoder.safetensors'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match='truncated or no safetensors file'):
        stored_tensors(path)
