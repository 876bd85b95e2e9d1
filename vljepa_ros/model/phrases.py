# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The phrase bank: texts with their embeddings, for a decoder that ranks instead of writing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vljepa_ros.errors import CheckpointError, ConfigurationError, MissingDependencyError
from vljepa_ros.model.checkpoint_folder import load_config, model_id

PHRASES_FILE = 'phrases.safetensors'
BLOCK = 256  # embeddings compared at once: 256 x 10,000 cosines are 10 MB


class PhraseBank:
    """Texts of a checkpoint and their unit vectors."""

    def __init__(self, texts: Sequence[str], embeddings: np.ndarray) -> None:
        """Keep the bank; arguments as in `save_phrases`."""
        self.texts = tuple(texts)
        self._embeddings = np.ascontiguousarray(embeddings.T, dtype=np.float32)  # [D, M]

    def nearest(self, embeddings: np.ndarray) -> list[tuple[str, float]]:
        """Return the text of the highest cosine, and that cosine, for each of [N, D]."""
        found = []
        for start in range(0, len(embeddings), BLOCK):
            cosines = embeddings[start : start + BLOCK].astype(np.float32) @ self._embeddings
            best = cosines.argmax(axis=1)
            found += [
                (self.texts[index], float(row[index]))
                for index, row in zip(best, cosines, strict=True)
            ]
        return found


def save_phrases(folder: Path, texts: Sequence[str], embeddings: np.ndarray) -> None:
    """Write the phrase bank of a checkpoint, which is complete already.

    The bank keeps the identity of the checkpoint: beside other weights it is refused.

    Args:
        folder: the checkpoint.
        texts: M phrases, each one line.
        embeddings: their unit vectors [M, D], by the Y-Encoder of this checkpoint. They are
            stored in half precision.

    Raises:
        ConfigurationError: no text, a text that is empty or has line breaks, or embeddings that
            are no unit vectors or do not fit the texts or the checkpoint.
        CheckpointError: the checkpoint is not complete.
    """
    config = load_config(folder)
    wrong = [text for text in texts if not text.strip() or len(text.splitlines()) != 1]
    if not texts or wrong:
        raise ConfigurationError(
            f'Phrases are one or more texts of one line each; got {len(texts)}, wrong are '
            f'{wrong[:3]}'
        )
    if embeddings.shape != (len(texts), config.embedding_dim):
        raise ConfigurationError(
            f'embeddings of {len(texts)} phrases must have the shape '
            f'[{len(texts)}, {config.embedding_dim}], not {list(embeddings.shape)}'
        )
    lengths = np.linalg.norm(embeddings.astype(np.float32), axis=1)
    if not np.allclose(lengths, 1.0, atol=1e-2):
        raise ConfigurationError(
            f'embeddings must be unit vectors; their lengths are {lengths.min():.3g} to '
            f'{lengths.max():.3g}'
        )
    _require_safetensors()
    from safetensors.numpy import save_file

    joined = np.frombuffer('\n'.join(texts).encode('utf-8'), dtype=np.uint8)
    partial = folder / f'.{PHRASES_FILE}.partial'
    save_file(
        {'texts': joined.copy(), 'embeddings': embeddings.astype(np.float16)},
        partial,
        metadata={'model_id': model_id(folder, config)},
    )
    partial.chmod(0o644)
    partial.replace(folder / PHRASES_FILE)


def load_phrases(folder: Path, *, model_id: str, dim: int) -> PhraseBank:
    """Load the phrase bank of a checkpoint.

    Args:
        folder: the checkpoint.
        model_id: its identity.
        dim: width of its embeddings.

    Raises:
        CheckpointError: it has none, or the file is damaged or belongs to other weights.
    """
    path = folder / PHRASES_FILE
    if not path.is_file():
        raise CheckpointError(
            f'{folder} has no phrase bank: {PHRASES_FILE} is missing. Decode with the Y-Decoder, '
            'or write a bank with vljepa_ros.model.phrases.save_phrases'
        )
    _require_safetensors()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='np') as file:
            written_for = (file.metadata() or {}).get('model_id', '')
            texts = file.get_tensor('texts').tobytes().decode('utf-8').split('\n')
            embeddings = file.get_tensor('embeddings')
    except (SafetensorError, OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f'{path} is damaged or no phrase bank ({error}). Copy it again'
        ) from error
    if written_for != model_id:
        raise CheckpointError(
            f'{path} belongs to the model {written_for or "without a name"}, not to {model_id}: '
            'its embeddings mean nothing here. Write the bank again with save_phrases'
        )
    if embeddings.shape != (len(texts), dim):
        raise CheckpointError(
            f'{path} holds {len(texts)} texts and embeddings of shape {list(embeddings.shape)}; '
            f'it must be [{len(texts)}, {dim}]'
        )
    return PhraseBank(texts, embeddings)


def _require_safetensors() -> None:
    try:
        import safetensors  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "A phrase bank needs the library 'safetensors', which is not installed. "
            'Install it with: pip install safetensors'
        ) from error
