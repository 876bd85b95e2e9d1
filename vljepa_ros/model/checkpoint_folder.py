# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a checkpoint folder that are read without PyTorch.

A checkpoint is a folder: `config.json`, a `*.safetensors` a network, tokenizers, `card.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from vljepa_ros.errors import CheckpointError, ConfigurationError
from vljepa_ros.model.components import COMPONENTS, READERS, SPACE, TOKENIZED, present
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.tokenizer import Tokenizer

CONFIG_FILE = 'config.json'


def weights_file(component: str) -> str:
    """Return the file name of a network's weights."""
    return f'{component}.safetensors'


def tokenizer_file(component: str) -> str:
    """Return the file name of a network's tokenizer."""
    return f'{component}.tokenizer.json'


def existing(path: Path) -> Path:
    """Return a file's path.

    Raises:
        CheckpointError: it does not exist.
    """
    if not path.is_file():
        raise CheckpointError(f'{path.parent} is incomplete: {path.name} is missing')
    return path


def load_config(folder: Path) -> ModelConfig:
    """Read a checkpoint's configuration.

    Raises:
        CheckpointError: the folder or file is missing, or not a valid configuration.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise CheckpointError(
            f'{folder} is no VL-JEPA checkpoint: it has no {CONFIG_FILE}. A checkpoint is a '
            f'folder with {CONFIG_FILE}, *.safetensors and *.tokenizer.json'
        )
    try:
        return ModelConfig.from_dict(json.loads(path.read_text(encoding='utf-8')))
    except (json.JSONDecodeError, UnicodeDecodeError, ConfigurationError) as error:
        raise CheckpointError(f'{path} is not a valid configuration: {error}') from error


def model_id(folder: Path, config: ModelConfig) -> str:
    """Return `<name>@<12 hexadecimal digits>`, the identity of the embedding space.

    The digits are of a SHA-256 over all that gives an embedding its meaning: the weights of
    X-Encoder, Predictor and Y-Encoder, the tokenizers of the latter two, and the values of
    `config.json`, except those of the networks that only read the space. So nodes that load
    different parts of one checkpoint agree, and a better Y-Decoder does not change it.
    """
    values = {key: value for key, value in config.to_dict().items() if key not in READERS}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    names = [weights_file(component) for component in SPACE]
    names += [tokenizer_file(component) for component in SPACE if component in TOKENIZED]
    for name in names:
        path = existing(folder / name)
        digest.update(f'{name} {path.stat().st_size}\n'.encode())
        with path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return f'{config.name}@{digest.hexdigest()[:12]}'


def chosen_components(
    folder: Path, config: ModelConfig, components: Collection[str]
) -> tuple[str, ...]:
    """Return those of the wanted components that a checkpoint has, in the usual order.

    Raises:
        ConfigurationError: no component, or an unknown name.
        CheckpointError: the checkpoint has none of them.
    """
    if not components or not set(components) <= set(COMPONENTS):
        raise ConfigurationError(
            f'components are {sorted(components)}; allowed are one or more of {sorted(COMPONENTS)}'
        )
    chosen = tuple(name for name in present(config) if name in components)
    if not chosen:
        raise CheckpointError(
            f'{folder} has no {" and no ".join(sorted(components))}; it has '
            f'{list(present(config))}'
        )
    return chosen


def load_tokenizers(
    folder: Path, config: ModelConfig, components: Collection[str]
) -> dict[str, Tokenizer]:
    """Load the tokenizers of those components that read or write text.

    Raises:
        CheckpointError: a file is missing, damaged, or does not fit the configuration.
        MissingDependencyError: the library `tokenizers` is not installed.
    """
    return {
        name: _load_tokenizer(folder, name, config.vocab_size(name))
        for name in TOKENIZED
        if name in components
    }


def _load_tokenizer(folder: Path, name: str, vocab_size: int) -> Tokenizer:
    path = existing(folder / tokenizer_file(name))
    tokenizer = Tokenizer(path, writes=name == 'y_decoder')
    if tokenizer.vocab_size > vocab_size:
        raise CheckpointError(
            f'{path} has {tokenizer.vocab_size} tokens, but vocab_size in {CONFIG_FILE} beside it '
            f'is {vocab_size}. The tokenizer belongs to another checkpoint'
        )
    return tokenizer
