# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The token-writing model's own words: byte-level BPE of queries and answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.sources import ClipSource
from training.tokenizer_training import train_tokenizer
from vljepa_ros.model.tokenizer import Tokenizer

VOCABULARY = 1024
CORPUS_CLIPS = 5000
TOKENIZER_FILE = 'vlm.tokenizer.json'


class Vocabulary:
    """Turns queries and answers into the token-writing model's ids.

    Attributes:
        bos: begins an answer.
        eos: ends it.
        pad: fills up.
        size: number of tokens.
    """

    def __init__(self, path: Path) -> None:
        """Load the tokenizer of `path`."""
        self._tokenizer = Tokenizer(path, writes=True)
        self.bos, self.eos, self.pad = (
            self._tokenizer.bos,
            self._tokenizer.eos,
            self._tokenizer.pad,
        )
        self.size = self._tokenizer.vocab_size

    @classmethod
    def train(cls, source: ClipSource, folder: Path, *, seed: int) -> Vocabulary:
        """Learn the words of a source's questions, unless `folder` holds them already."""
        path = folder / TOKENIZER_FILE
        if not path.is_file():
            rng = np.random.default_rng([seed, 13])
            chosen = rng.choice(len(source), min(CORPUS_CLIPS, len(source)), replace=False)
            texts = [
                text
                for index in chosen
                for pair in source.pairs(int(index), rng)
                for text in (pair.query, pair.answer)
            ]
            folder.mkdir(parents=True, exist_ok=True)
            train_tokenizer(texts, path, vocab_size=VOCABULARY)
        return cls(path)

    def rows(self, texts: Sequence[str], *, max_tokens: int) -> list[list[int]]:
        """Return the ids of each text; ConfigurationError if one is empty or too long."""
        ids, mask = self._tokenizer.encode(texts, max_tokens=max_tokens)
        return [row[kept].tolist() for row, kept in zip(ids, mask, strict=True)]

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        return self._tokenizer.decode(ids)
