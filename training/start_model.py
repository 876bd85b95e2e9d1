# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The model that a training starts with: a new one of the tiny size, or a checkpoint."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import torch

from training.minilm import find_minilm
from training.run_config import ClipConfig
from training.texts import SimulatorTexts
from training.tokenizer_training import train_tokenizer
from training.world.language import caption
from training.world.symbols import Segment
from vljepa_ros.model.checkpoint import load_checkpoint
from vljepa_ros.model.checkpoint_folder import tokenizer_file
from vljepa_ros.model.components import TOKENIZED
from vljepa_ros.model.presets import tiny_config
from vljepa_ros.model.pretrained import init_query_table, load_pretrained_bert
from vljepa_ros.model.tokenizer import Tokenizer
from vljepa_ros.model.vl_jepa import VLJEPA
from vljepa_ros.resources import resolve_model

MAX_VOCABULARY = 1024
CORPUS = 20_000


def new_model(folder: Path, texts: SimulatorTexts, *, seed: int, name: str = 'tiny') -> VLJEPA:
    """Create the tiny model: MiniLM's words, all else fresh; tokenizers go to `folder`.

    Args:
        folder: of the run.
        texts: what the Y-Decoder's tokenizer learns from.
        seed: of the weights.
        name: of the model.
    """
    minilm = find_minilm()
    folder.mkdir(parents=True, exist_ok=True)
    vocab_size = train_tokenizer(
        texts.corpus(CORPUS, seed=seed),
        folder / tokenizer_file('y_decoder'),
        vocab_size=MAX_VOCABULARY,
    )
    for component in ('predictor', 'y_encoder'):
        shutil.copyfile(minilm / 'tokenizer.json', folder / tokenizer_file(component))
    torch.manual_seed(seed)
    nothing = caption(Segment(0.0, 1.0, 'idle'))
    config = dataclasses.replace(
        tiny_config(vocab_size=vocab_size), name=name, quiet_texts=(nothing,)
    )
    model = VLJEPA(config, _tokenizers(folder))
    y_encoder = model.network('y_encoder')
    load_pretrained_bert(y_encoder, minilm / 'model.safetensors')  # type: ignore[arg-type]
    words = y_encoder.get_parameter('embeddings.word_embeddings.weight')
    init_query_table(model.network('predictor'), words)  # type: ignore[arg-type]
    return model


def started_model(init: str, folder: Path, *, name: str, clip: ClipConfig) -> VLJEPA:
    """Load a checkpoint to go on from; its tokenizers go to `folder`, its X-Encoder is frozen.

    Args:
        init: name or folder of the checkpoint.
        folder: of the run.
        name: of the model that becomes of it.
        clip: shape of the clips, where it is to be another; the positions of the visual tokens
            are computed, not learned, so that any number of frames can be read.

    Raises:
        CheckpointError: it is not complete.
        ResourceNotFoundError: there is none.
        ConfigurationError: it cannot read such clips.
    """
    source = resolve_model(init)
    loaded = load_checkpoint(source)
    folder.mkdir(parents=True, exist_ok=True)
    for component in TOKENIZED:
        shutil.copyfile(source / tokenizer_file(component), folder / tokenizer_file(component))
    config = dataclasses.replace(
        loaded.config,
        name=name,
        clip_frames=clip.frames or loaded.config.clip_frames,
        clip_fps=clip.fps or loaded.config.clip_fps,
    )
    model = VLJEPA(config, loaded.tokenizers)
    model.load_state_dict(loaded.state_dict())
    model.network('x_encoder').eval().requires_grad_(False)
    return model


def _tokenizers(folder: Path) -> dict[str, Tokenizer]:
    return {name: Tokenizer(folder / tokenizer_file(name)) for name in TOKENIZED}
