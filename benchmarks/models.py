# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as the benchmarks need them: with graphs, and one with a full-size X-Encoder."""

from __future__ import annotations

import dataclasses
import hashlib
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.inference.graphs import graph_file
from vljepa_ros.inference.selection import MEASURED
from vljepa_ros.model.checkpoint_folder import chosen_components, load_config, model_id
from vljepa_ros.model.components import COMPONENTS
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.resources import find_resource, resolve_model
from vljepa_ros.stream.clip_buffer import ClipBuffer
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import VideoSource

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / 'build' / 'bench'
VITL = 'vitl'  # the X-Encoder of the paper's size in front of the Predictor of tiny's size
SAMPLE_VIDEO = 'samples/tabletop.mp4'


def with_graphs(
    model: str, *, components: Collection[str] = COMPONENTS, cache: Path = CACHE
) -> Path:
    """Return a checkpoint with the graphs of its components in float32.

    Args:
        model: 'vitl', a shipped model's name or a folder.
        components: those whose graphs are needed.
        cache: where a copy with graphs is kept if the checkpoint has none.

    Raises:
        ResourceNotFoundError: no such model.
        CheckpointError: it is incomplete or damaged.
        MissingDependencyError: the graphs must be written, and what writes them is not installed.
    """
    folder = full_size(cache) if model == VITL else resolve_model(model)
    config = load_config(folder)
    wanted = chosen_components(folder, config, components)
    if all((folder / graph_file(name, 'fp32')).is_file() for name in wanted):
        return folder
    copy = _kept(cache, model_id(folder, config))
    missing = [name for name in wanted if not (copy / graph_file(name, 'fp32')).is_file()]
    if missing:
        print(f'Writing the graphs of {model} into {copy}', flush=True)
        _apart(_write_graphs, folder, copy, missing)
    return copy


def full_size(cache: Path = CACHE) -> Path:
    """Return a checkpoint with a ViT-L X-Encoder of random weights, and its graphs."""
    folder = _kept(cache, VITL)
    if not folder.is_dir():
        print(f'Writing a model with a ViT-L X-Encoder into {folder} (1.2 GB)', flush=True)
        _apart(_write_full_size, folder)
    return folder


def _apart(work: Callable[..., None], *arguments: Any) -> None:
    """Do work in a process of its own, so that its memory is free afterwards."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:
        pool.submit(work, *arguments).result()


def _write_graphs(folder: Path, copy: Path, components: Collection[str]) -> None:
    from vljepa_ros.inference.torch_export import export_graphs

    export_graphs(folder, out=copy, components=components)
    for graph in folder.glob('*.onnx'):  # of other precisions
        if not (copy / graph.name).exists():
            shutil.copyfile(graph, copy / graph.name)


def _write_full_size(folder: Path) -> None:
    import torch

    from vljepa_ros.inference.torch_export import export_graphs
    from vljepa_ros.model.checkpoint import save_checkpoint
    from vljepa_ros.model.checkpoint_folder import load_tokenizers
    from vljepa_ros.model.components import TOKENIZED
    from vljepa_ros.model.presets import paper_config
    from vljepa_ros.model.vl_jepa import VLJEPA

    tiny = resolve_model('tiny')
    small, paper = load_config(tiny), paper_config()
    config = dataclasses.replace(
        small, name=VITL, vision=paper.vision, clip_frames=paper.clip_frames
    )
    torch.manual_seed(0)
    model = VLJEPA(config, load_tokenizers(tiny, config, TOKENIZED))
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Complete or not there at all, should it be interrupted.
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        partial = Path(name) / VITL
        save_checkpoint(model, partial, tokenizer_source=tiny)
        del model
        export_graphs(partial, components=MEASURED)
        shutil.move(partial, folder)


def real_clips(config: ModelConfig, count: int, *, video: Path | None = None) -> np.ndarray:
    """Return clips of the sample video, evenly spaced, uint8 [count, T, H, W, 3]."""
    buffer = ClipBuffer(
        clip_frames=config.clip_frames, clip_fps=config.clip_fps, image_size=config.image_size
    )
    clips = []
    for frame in VideoSource(video or find_resource(SAMPLE_VIDEO)):
        buffer.push(round(frame.time_s * SECOND_NS), frame.image)
        clip = buffer.clip()
        if clip is not None:
            clips.append(clip.frames)
    chosen = np.linspace(0, len(clips) - 1, count).round().astype(int)
    return np.stack([clips[index] for index in chosen])


def _kept(cache: Path, name: str) -> Path:
    """Return where the present code keeps a checkpoint; remove what earlier code kept."""
    digest = hashlib.sha256()
    for part in ('model', 'inference'):
        for path in sorted((ROOT / 'vljepa_ros' / part).glob('*.py')):
            digest.update(path.read_bytes())
    folder = cache / f'{name}-{digest.hexdigest()[:10]}'
    for other in cache.glob(f'{name}-*'):
        if other != folder:
            shutil.rmtree(other)
    return folder
