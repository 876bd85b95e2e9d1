# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs in 8 bits: small, almost the same numbers, run by both backends for the processor."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('torch')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
pytest.importorskip('nncf')

import cv2  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from graph_inputs import least_cosine  # noqa: E402
from untrained import build_untrained_checkpoint, save_compact  # noqa: E402

from vljepa_ros.errors import CheckpointError, ConfigurationError, StreamError  # noqa: E402
from vljepa_ros.inference import load_engine  # noqa: E402
from vljepa_ros.inference.graphs import IN_INT8, graph_file  # noqa: E402
from vljepa_ros.inference.torch_export import export_graphs  # noqa: E402
from vljepa_ros.model.checkpoint import load_checkpoint  # noqa: E402
from vljepa_ros.model.checkpoint_folder import load_config, weights_file  # noqa: E402
from vljepa_ros.model.components import COMPONENTS  # noqa: E402
from vljepa_ros.stream.video_clips import clips_of  # noqa: E402

# With tables of words in 8 bits, too.
LEAST_COSINE = 0.99


def pictures(count: int, *, frames: int, size: int, seed: int = 0) -> np.ndarray:
    """Return clips uint8 [N, T, S, S, 3] of coloured fields over which a disc moves."""
    rng = np.random.default_rng(seed)
    clips = np.empty((count, frames, size, size, 3), np.uint8)
    for clip in clips:
        fields = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        ground = cv2.resize(fields, (size, size), interpolation=cv2.INTER_LINEAR)
        for step, frame in enumerate(clip):
            frame[:] = cv2.circle(ground.copy(), (3 * step, size // 2), 5, (255, 0, 0), -1)
    return clips


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('int8')
    model = load_checkpoint(build_untrained_checkpoint(folder))
    compact = save_compact(model, folder / 'compact', tokenizers=folder)
    config = model.config
    clips = pictures(8, frames=config.clip_frames, size=config.image_size)
    written = export_graphs(compact, precisions=('fp32', 'int8'), calibration=clips)
    names = {path.name for path in written if path.match('*.int8.onnx')}
    assert names == {graph_file(component, 'int8') for component in IN_INT8}
    return compact


@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_almost_the_same_answers(exported: Path, backend: str) -> None:
    pytest.importorskip(backend)
    config = load_config(exported)
    clips = pictures(4, frames=config.clip_frames, size=config.image_size, seed=1)
    queries = ['caption', 'What is red?']
    answers = []
    for name, precision in (('torch', 'fp32'), (backend, 'int8')):
        engine = load_engine(exported, backend=name, precision=precision, threads=1)
        assert engine.info.precision == precision
        # What is not in 8 bits runs as well.
        assert engine.embed_text(['a cup']).shape == (1, config.embedding_dim)
        answers.append(engine.predict(engine.encode(clips), queries))
        engine.close()
    assert least_cosine(answers[0], answers[1]) >= LEAST_COSINE
    assert not np.array_equal(answers[0], answers[1])


@pytest.mark.parametrize('component', IN_INT8)
def test_weights_are_there_once_more_in_8_bits_only(exported: Path, component: str) -> None:
    graph = onnx.load(exported / graph_file(component, 'int8'), load_external_data=False).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count('QuantizeLinear') > 3
    inside = {tensor.name: tensor for tensor in graph.initializer if not tensor.external_data}
    large = [tensor for tensor in inside.values() if np.prod(tensor.dims) > 4096]
    bytes_each = {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    widths = load_config(exported).num_visual_tokens * 64  # a table of rotations
    assert all(
        tensor.data_type in bytes_each or np.prod(tensor.dims) <= widths for tensor in large
    )
    assert any(tensor.data_type in bytes_each for tensor in large)
    # The table of words stays in its file, and is widened row by row.
    if component == 'predictor':
        outside = {tensor.name: tensor for tensor in graph.initializer if tensor.external_data}
        assert outside['embed_tokens.weight'].data_type == onnx.TensorProto.INT8
        (reader,) = (node for node in graph.node if 'embed_tokens.weight' in node.input)
        assert reader.op_type == 'Gather'
    onnx.checker.check_model(str(exported / graph_file(component, 'int8')), full_check=True)


@pytest.mark.parametrize('clips', [None, np.zeros((0, 8, 32, 32, 3), np.uint8)])
def test_int8_needs_clips(exported: Path, clips: np.ndarray | None) -> None:
    with pytest.raises(ConfigurationError, match='int8 needs clips .* --calibration'):
        export_graphs(exported, precisions=('int8',), calibration=clips)


def test_a_checkpoint_without_them_names_the_command(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / 'copy')
    (copy / graph_file('predictor', 'int8')).unlink()
    with pytest.raises(CheckpointError, match='--precision int8 --calibration VIDEO'):
        load_engine(copy, backend='onnxruntime', precision='int8')


def test_graphs_of_other_weights_are_refused(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / 'copy')
    other = build_untrained_checkpoint(tmp_path / 'other')
    model = load_checkpoint(other, components=COMPONENTS)
    with torch.no_grad():
        for weight in model.networks['x_encoder'].parameters():
            weight.mul_(1.5)
    save_compact(model, tmp_path / 'changed', tokenizers=other)
    name = weights_file('x_encoder')
    shutil.copyfile(tmp_path / 'changed' / name, copy / name)
    with pytest.raises(CheckpointError, match=r'x_encoder.int8.onnx'):
        load_engine(copy, backend='onnxruntime', precision='int8')


def write_video(path: Path, *, seconds: float, rate_hz: float = 10.0) -> Path:
    """Write a video whose brightness tells the time: from 40 on, 8 a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), rate_hz, (64, 48))
    for index in range(round(seconds * rate_hz)):
        writer.write(np.full((48, 64, 3), round(40 + 8 * index / rate_hz), np.uint8))
    writer.release()
    return path


def test_clips_are_spread_over_videos(tmp_path: Path) -> None:
    videos = [write_video(tmp_path / f'{seconds}.mp4', seconds=seconds) for seconds in (20, 10)]
    every = clips_of(videos, clip_frames=4, clip_fps=2.0, image_size=16, count=1000)
    assert every.shape[1:] == (4, 16, 16, 3)
    assert 13 <= len(every) <= 15
    times_s = (every.mean(axis=(2, 3, 4)) - 40.0) / 8.0  # [N, T]
    steps = np.diff(times_s, axis=1)
    assert np.abs(steps - 0.5).max() < 0.3
    # No frame is in two clips.
    assert np.diff(times_s[:9, 0]).min() > 1.6
    chosen = clips_of(videos, clip_frames=4, clip_fps=2.0, image_size=16, count=3)
    assert len(chosen) == 3
    np.testing.assert_array_equal(chosen[[0, -1]], every[[0, -1]])


def test_a_video_that_is_too_short(tmp_path: Path) -> None:
    video = write_video(tmp_path / 'short.mp4', seconds=1.0)
    with pytest.raises(StreamError, match=r'as long as a clip \(1.5 s\)'):
        clips_of([video], clip_frames=4, clip_fps=2.0, image_size=16, count=5)
