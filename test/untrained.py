# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint with the sizes of `tiny` and random weights, for tests that need nothing better."""

from __future__ import annotations

from pathlib import Path

TEXTS = (
    'the robot opens the drawer',
    'the robot closes the drawer',
    'the robot pushes the red cube to the left',
    'the robot picks up the blue ball and puts it into the bowl',
    'nothing happens, the arm does not move',
)


def build_tokenizer(path: Path, *, vocab_size: int = 512) -> int:
    """Train a byte-level BPE tokenizer on a few sentences and write it.

    Args:
        path: the file to write, `<component>.tokenizer.json`.
        vocab_size: upper limit of the vocabulary; [PAD], [BOS], [EOS] are 0, 1, 2.

    Returns:
        The size of the vocabulary.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from vljepa_ros.model.presets import TINY_QUERIES

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=['[PAD]', '[BOS]', '[EOS]'],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXTS, *TINY_QUERIES.values()], trainer)
    tokenizer.save(str(path))
    return tokenizer.get_vocab_size()


def build_untrained_checkpoint(folder: Path, *, seed: int = 0) -> Path:
    """Write a complete checkpoint: `config.json`, four `*.safetensors`, three tokenizers.

    Args:
        folder: created when missing.
        seed: of the random weights; the same seed gives the same weights.

    Returns:
        The folder.
    """
    import torch

    from vljepa_ros.model.checkpoint import save_checkpoint, tokenizer_file
    from vljepa_ros.model.presets import tiny_config
    from vljepa_ros.model.tokenizer import Tokenizer
    from vljepa_ros.model.vl_jepa import TOKENIZED, VLJEPA

    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / tokenizer_file(name) for name in TOKENIZED}
    vocab_size = max(build_tokenizer(path) for path in paths.values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tokenizers = {name: Tokenizer(path) for name, path in paths.items()}
        model = VLJEPA(tiny_config(vocab_size=vocab_size), tokenizers)
    save_checkpoint(model, folder, tokenizer_source=folder)
    return folder
