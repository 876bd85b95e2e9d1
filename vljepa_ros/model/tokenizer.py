# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Texts ↔ token ids, by the `tokenizers` library and a checkpoint's `*.tokenizer.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vljepa_ros.errors import CheckpointError, ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    import tokenizers

PAD, BOS, EOS = '[PAD]', '[BOS]', '[EOS]'
# Ours first, then those of Gemma, of Llama 2 and of Llama 3.
NAMES = {
    PAD: (PAD, '<pad>', '<|finetune_right_pad_id|>'),
    BOS: (BOS, '<bos>', '<s>', '<|begin_of_text|>'),
    EOS: (EOS, '<eos>', '</s>', '<|end_of_text|>'),
}


def _library() -> type[tokenizers.Tokenizer]:
    try:
        from tokenizers import Tokenizer as Library
    except ImportError as error:
        raise MissingDependencyError(
            "The text side needs the library 'tokenizers', which is not installed. "
            'Install it with: pip install tokenizers'
        ) from error
    return Library


class Tokenizer:
    """One tokenizer of a checkpoint.

    Whatever its post-processor adds, such as BERT's [CLS] and [SEP], is part of the ids. Only a
    tokenizer of a network that writes text needs tokens that begin and end one.
    """

    def __init__(self, path: Path, *, writes: bool = False) -> None:
        """Load the tokenizer; its special tokens are found by their usual names.

        Args:
            path: a `tokenizer.json` of the library `tokenizers`.
            writes: whether its network writes text: then [BOS] and [EOS] are needed too.

        Raises:
            CheckpointError: the file is missing, damaged, or lacks a special token.
            MissingDependencyError: the library `tokenizers` is not installed.
        """
        library = _library()
        try:
            self._tokenizer = library.from_str(path.read_text(encoding='utf-8'))
        except Exception as error:  # the library raises plain Exception for a bad file
            raise CheckpointError(f'{path} is not a readable tokenizer: {error}') from error
        self._path = path
        self.pad = self._special(PAD)
        if writes:
            self._special(BOS)
            self._special(EOS)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @property
    def bos(self) -> int:
        """Id of the token that begins a written text; CheckpointError if there is none."""
        return self._special(BOS)

    @property
    def eos(self) -> int:
        """Id of the token that ends a written text; CheckpointError if there is none."""
        return self._special(EOS)

    def _special(self, token: str) -> int:
        for name in NAMES[token]:
            number = self._tokenizer.token_to_id(name)
            if number is not None:
                return number
        raise CheckpointError(
            f'{self._path} has no special token {token} in its vocabulary '
            f'(nor {", ".join(NAMES[token][1:])})'
        )

    @property
    def vocab_size(self) -> int:
        """Number of tokens, the special ones included."""
        return self._tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str], *, max_tokens: int) -> tuple[np.ndarray, np.ndarray]:
        """Turn texts into ids, filled with [PAD] to the longest.

        Args:
            texts: one or more texts, none of them empty.
            max_tokens: the most tokens that the network can read.

        Returns:
            ids int64 [N, L] and mask bool [N, L], False at [PAD].

        Raises:
            ConfigurationError: a text is empty or too long.
        """
        if not texts:
            raise ConfigurationError('No text was given; give at least one')
        encodings = self._tokenizer.encode_batch(list(texts))
        rows = [encoding.ids for encoding in encodings]
        for text, row, encoding in zip(texts, rows, encodings, strict=True):
            if not text.strip() or all(encoding.special_tokens_mask):
                raise ConfigurationError(f'A text is empty: {text!r}; give words')
            if len(row) > max_tokens:
                raise ConfigurationError(
                    f'The text {text[:40]!r}… has {len(row)} tokens; this model reads at most '
                    f'{max_tokens}. Shorten it'
                )
        ids = np.full((len(rows), max(map(len, rows))), self.pad, dtype=np.int64)
        for target, row in zip(ids, rows, strict=True):
            target[: len(row)] = row
        lengths = np.array([len(row) for row in rows])
        return ids, np.arange(ids.shape[1]) < lengths[:, None]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn the ids of one text into the text, special tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True).strip()
