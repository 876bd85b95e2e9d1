# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frozen X-Encoder's visual tokens of every clip, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from training.loop import bf16_is_faster
from training.sources import ClipSource
from vljepa_ros.errors import ConfigurationError

BATCH = 32
FLUSH_EVERY = 32


def weights_fingerprint(module: nn.Module) -> str:
    """Return 16 hexadecimal digits that change with the weights."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


class FeatureStore:
    """Visual tokens float16 [M, N, D] in a memory-mapped file."""

    def __init__(self, folder: Path, *, source: ClipSource, encoder: nn.Module) -> None:
        """Open the store of a source and an encoder, or begin a new one.

        Args:
            folder: holds the stores of all sources and encoders.
            source: the clips.
            encoder: takes clips uint8 [B, T, H, W, 3], in evaluation mode.
        """
        key = f'{source.fingerprint}-{weights_fingerprint(encoder)}'
        self._path = folder / f'features-{key}.npy'
        self._done_path = folder / f'features-{key}.json'
        self._source = source
        self._encoder = encoder
        self._tokens: np.ndarray | None = None

    def build(self) -> None:
        """Encode every clip that is not there yet, with a progress bar."""
        total = len(self._source)
        if not total:
            raise ConfigurationError('The training data holds no usable clip')
        done = self._done()
        half = bf16_is_faster()
        bar = tqdm(total=total, initial=done, desc='features', unit='clip', dynamic_ncols=True)
        for number, start in enumerate(range(done, total, BATCH)):
            stop = min(start + BATCH, total)
            clips = np.stack([self._source.clip(index) for index in range(start, stop)])
            with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16, enabled=half):
                tokens = self._encoder(torch.from_numpy(clips)).half().numpy()
            self._file(tokens.shape[1:])[start:stop] = tokens
            bar.update(stop - start)
            if (number + 1) % FLUSH_EVERY == 0 or stop == total:
                self._flush(stop)
        bar.close()

    def __getitem__(self, indices: np.ndarray) -> torch.Tensor:
        """Return the tokens of some clips, float16 [B, N, D]."""
        if self._tokens is None:
            self._tokens = np.load(self._path, mmap_mode='r')
        return torch.from_numpy(self._tokens[np.sort(indices)][np.argsort(np.argsort(indices))])

    def _done(self) -> int:
        if not (self._path.is_file() and self._done_path.is_file()):
            return 0
        return int(json.loads(self._done_path.read_text(encoding='utf-8'))['done'])

    def _file(self, shape: tuple[int, ...]) -> np.ndarray:
        if self._tokens is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            resumed = self._done() > 0
            whole = (len(self._source), *shape)
            self._tokens = (
                np.load(self._path, mmap_mode='r+')
                if resumed
                else np.lib.format.open_memmap(
                    self._path, mode='w+', dtype=np.float16, shape=whole
                )
            )
        return self._tokens

    def _flush(self, done: int) -> None:
        assert isinstance(self._tokens, np.memmap)
        self._tokens.flush()
        self._done_path.write_text(json.dumps({'done': done}), encoding='utf-8')
