# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frozen X-Encoder's visual tokens of every clip, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.loop import bf16_is_faster
from training.processes import ONE, Processes
from training.sources import ClipSource
from vljepa_ros.errors import ConfigurationError

BATCH = 32
FLUSH_EVERY = 32


class Features(Protocol):
    """Where a training takes the visual tokens of its clips from."""

    def __getitem__(self, indices: np.ndarray) -> Tensor:
        """Return the tokens of some clips, float [B, N, D]."""


def weights_fingerprint(module: nn.Module) -> str:
    """Return 16 hexadecimal digits that change with the weights."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


class _Encoder:
    """Encodes clips of a source in the faster precision."""

    def __init__(self, source: ClipSource, encoder: nn.Module) -> None:
        self.source, self._network = source, encoder
        self._device = next(encoder.parameters()).device
        self._half = bf16_is_faster(self._device)

    def __call__(self, indices: list[int]) -> Tensor:
        """Return the tokens of clips, float16 [B, N, D]."""
        clips = torch.from_numpy(np.stack([self.source.clip(index) for index in indices]))
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._half),
        ):
            return self._network(clips.to(self._device)).half()


class LiveFeatures:
    """Visual tokens computed when they are asked for: data too large for the disk."""

    def __init__(self, source: ClipSource, encoder: nn.Module) -> None:
        """Take a source of clips and an encoder in evaluation mode."""
        self._encode = _Encoder(source, encoder)

    def __getitem__(self, indices: np.ndarray) -> Tensor:
        """Return the tokens of some clips, float16 [B, N, D]."""
        parts = [indices[at : at + BATCH].tolist() for at in range(0, len(indices), BATCH)]
        # Tensors of inference mode cannot be saved for the Predictor's gradient.
        return torch.cat([self._encode(part) for part in parts]).clone()


class FeatureStore:
    """Visual tokens float16 [M, N, D] in a memory-mapped file."""

    def __init__(
        self, folder: Path, *, source: ClipSource, encoder: nn.Module, processes: Processes = ONE
    ) -> None:
        """Open the store of a source and an encoder, or begin a new one.

        Args:
            folder: holds the stores of all sources and encoders.
            source: the clips.
            encoder: takes clips uint8 [B, T, H, W, 3], in evaluation mode.
            processes: share the encoding.
        """
        key = f'{source.fingerprint}-{weights_fingerprint(encoder)}'
        self._folder, self._key = folder, key
        self._path = folder / f'features-{key}.npy'
        self._source = source
        self._encoder = encoder
        self._processes = processes
        self._tokens: np.ndarray | None = None

    def build(self) -> None:
        """Encode every clip that is not there yet, with a progress bar."""
        total = len(self._source)
        if not total:
            raise ConfigurationError('The training data holds no usable clip')
        processes = self._processes
        whole = self._done(self._done_path(0, 1)) == total and self._path.is_file()
        processes.wait()  # all must have looked before one goes on
        if not whole:
            self._encode_share(processes.share(total))
        self._tokens = None
        processes.wait()
        if processes.main:
            self._write_done(self._done_path(0, 1), total)

    def _encode_share(self, share: range) -> None:
        processes = self._processes
        done_path = self._done_path(processes.index, processes.count)
        done = self._done(done_path) if self._path.is_file() else 0
        encode = _Encoder(self._source, self._encoder)
        bar = tqdm(
            total=len(share),
            initial=done,
            desc='features',
            unit='clip',
            dynamic_ncols=True,
            disable=not processes.main,
        )
        with processes.main_first():  # the first one makes the file
            self._open(encode)
        assert isinstance(self._tokens, np.memmap)
        for number, start in enumerate(range(share.start + done, share.stop, BATCH)):
            stop = min(start + BATCH, share.stop)
            self._tokens[start:stop] = encode(list(range(start, stop))).cpu().numpy()
            bar.update(stop - start)
            if (number + 1) % FLUSH_EVERY == 0 or stop == share.stop:
                self._tokens.flush()
                self._write_done(done_path, stop - share.start)
        bar.close()

    def __getitem__(self, indices: np.ndarray) -> Tensor:
        """Return the tokens of some clips, float16 [B, N, D]."""
        if self._tokens is None:
            self._tokens = np.load(self._path, mmap_mode='r')
        return torch.from_numpy(self._tokens[np.sort(indices)][np.argsort(np.argsort(indices))])

    def _open(self, encode: _Encoder) -> None:
        if self._path.is_file():
            self._tokens = np.load(self._path, mmap_mode='r+')
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in self._folder.glob(f'features-{self._key}*.json'):
            stale.unlink()
        shape = (len(self._source), *encode([0]).shape[1:])
        self._tokens = np.lib.format.open_memmap(
            self._path, mode='w+', dtype=np.float16, shape=shape
        )

    def _done_path(self, index: int, count: int) -> Path:
        part = '' if count == 1 else f'.{index}-of-{count}'
        return self._folder / f'features-{self._key}{part}.json'

    def _done(self, path: Path) -> int:
        return int(json.loads(path.read_text(encoding='utf-8'))['done']) if path.is_file() else 0

    def _write_done(self, path: Path, done: int) -> None:
        path.write_text(json.dumps({'done': done}), encoding='utf-8')
