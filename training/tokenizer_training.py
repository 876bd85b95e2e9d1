# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the small tokenizer of a Y-Decoder: byte-level BPE, so any text has tokens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from vljepa_ros.model.tokenizer import BOS, EOS, PAD


def train_tokenizer(texts: Iterable[str], path: Path, *, vocab_size: int) -> int:
    """Train a tokenizer and write it.

    Args:
        texts: training texts.
        path: the file to write.
        vocab_size: the most tokens that it may learn.

    Returns:
        The number of tokens learned, special ones included.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    path.write_text(tokenizer.to_str(), encoding='utf-8')
    return int(tokenizer.get_vocab_size())
