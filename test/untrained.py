# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint like `tiny` with fewer and random weights, for tests that need nothing better."""

from __future__ import annotations

import dataclasses
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vljepa_ros.model.config import ModelConfig
    from vljepa_ros.model.vl_jepa import VLJEPA

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


def build_wordpiece(path: Path) -> int:
    """Write a WordPiece tokenizer in the form of BERT's, with the words of a few sentences.

    Args:
        path: the file to write, `<component>.tokenizer.json`.

    Returns:
        The size of the vocabulary; [PAD] is 0, [CLS] 2, [SEP] 3.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    from vljepa_ros.model.presets import TINY_QUERIES

    words = sorted(set(re.findall(r'[a-z]+', ' '.join([*TEXTS, *TINY_QUERIES.values()]).lower())))
    letters = [*string.ascii_lowercase, *(f'##{letter}' for letter in string.ascii_lowercase)]
    tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', *string.punctuation, *letters]
    tokens += [word for word in words if word not in letters]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token='[UNK]'))
    tokenizer.add_special_tokens(['[PAD]', '[UNK]', '[CLS]', '[SEP]'])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = TemplateProcessing(
        single='[CLS] $A [SEP]',
        special_tokens=[(name, vocabulary[name]) for name in ('[CLS]', '[SEP]')],
    )
    tokenizer.enable_truncation(8)  # as released files have it; it must not be in force
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(path))
    return tokenizer.get_vocab_size()


def small_config(*, words: int, decoder_words: int) -> ModelConfig:
    """Return the configuration of `tiny` with narrower and fewer layers."""
    from vljepa_ros.model.config import PlanningConfig, VisionConfig
    from vljepa_ros.model.presets import tiny_config
    from vljepa_ros.model.y_encoder_config import BertConfig

    tiny = tiny_config(vocab_size=decoder_words)
    blocks = dataclasses.replace(
        tiny.y_decoder.llama,
        hidden_size=96,
        num_layers=2,
        num_heads=3,
        num_kv_heads=3,
        intermediate_size=192,
    )
    head = PlanningConfig(hidden_size=64, num_layers=1)
    return dataclasses.replace(
        tiny,
        vision=VisionConfig(image_size=128, hidden_size=96, num_layers=2, num_heads=3),
        predictor=dataclasses.replace(
            tiny.predictor,
            llama=dataclasses.replace(blocks, vocab_size=words),
            query_width=32,
        ),
        y_encoder=BertConfig(
            vocab_size=words,
            hidden_size=96,
            num_layers=2,
            num_heads=3,
            intermediate_size=192,
            max_positions=64,
            max_tokens=64,
        ),
        y_decoder=dataclasses.replace(tiny.y_decoder, llama=blocks),
        transition=head,
        inverse=head,
    )


def build_untrained_checkpoint(folder: Path, *, seed: int = 0) -> Path:
    """Write a complete checkpoint: `config.json`, a `*.safetensors` a network, three tokenizers.

    Args:
        folder: created when missing.
        seed: of the random weights; the same seed gives the same weights.

    Returns:
        The folder.
    """
    import torch

    from vljepa_ros.model.checkpoint import save_checkpoint
    from vljepa_ros.model.checkpoint_folder import tokenizer_file
    from vljepa_ros.model.components import TOKENIZED
    from vljepa_ros.model.tokenizer import Tokenizer
    from vljepa_ros.model.vl_jepa import VLJEPA

    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / tokenizer_file(name) for name in TOKENIZED}
    words = max(build_wordpiece(paths[name]) for name in ('predictor', 'y_encoder'))
    config = small_config(words=words, decoder_words=build_tokenizer(paths['y_decoder']))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VLJEPA(config, {name: Tokenizer(path) for name, path in paths.items()})
    save_checkpoint(model, folder, tokenizer_source=folder)
    return folder


def save_compact(model: VLJEPA, folder: Path, *, tokenizers: Path) -> Path:
    """Save a model as it is shipped: half precision, tables of words in 8 bits.

    Args:
        model: what to save.
        folder: where.
        tokenizers: a checkpoint that has them.
    """
    import torch

    from vljepa_ros.model import compact
    from vljepa_ros.model.checkpoint import save_checkpoint

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, 'LARGE_TABLE', 50)
        save_checkpoint(
            model, folder, tokenizer_source=tokenizers, dtype=torch.float16, int8_tables=True
        )
    return folder
