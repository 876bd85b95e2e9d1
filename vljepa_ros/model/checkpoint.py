# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint is a folder: `config.json`, a `*.safetensors` a network, tokenizers, `card.md`."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import torch
from torch import Tensor

from vljepa_ros.errors import CheckpointError, ConfigurationError, MissingDependencyError
from vljepa_ros.model.compact import compacted, expanded
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.tokenizer import Tokenizer
from vljepa_ros.model.vl_jepa import NETWORKS, PLANNING, TOKENIZED, VLJEPA, present

CONFIG_FILE = 'config.json'
SPACE = ('x_encoder', 'predictor', 'y_encoder')  # they span the embedding space,
READERS = ('y_decoder', *PLANNING)  # and these read it


def weights_file(component: str) -> str:
    """Return the file name of a network's weights."""
    return f'{component}.safetensors'


def tokenizer_file(component: str) -> str:
    """Return the file name of a network's tokenizer."""
    return f'{component}.tokenizer.json'


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
        path = _existing(folder / name)
        digest.update(f'{name} {path.stat().st_size}\n'.encode())
        with path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return f'{config.name}@{digest.hexdigest()[:12]}'


def load_checkpoint(folder: Path, *, components: Collection[str] = tuple(NETWORKS)) -> VLJEPA:
    """Load networks in float32 on the CPU, ready for inference.

    Args:
        folder: the checkpoint.
        components: which of `NETWORKS` to load; the others are not even read. Planning heads that
            the checkpoint lacks are left out and raise an error when they are used.

    Raises:
        CheckpointError: a file is missing, truncated, or belongs to another architecture, or the
            checkpoint has none of the components.
        ConfigurationError: no component, or an unknown name.
        MissingDependencyError: safetensors or tokenizers is not installed.
    """
    if not components or not set(components) <= set(NETWORKS):
        raise ConfigurationError(
            f'components are {sorted(components)}; allowed are one or more of {sorted(NETWORKS)}'
        )
    config = load_config(folder)
    if not set(components) & set(present(config)):
        raise CheckpointError(
            f'{folder} has no {" and no ".join(sorted(components))}; it has '
            f'{list(present(config))}'
        )
    tokenizers = {
        name: _load_tokenizer(folder, name, config.vocab_size(name))
        for name in TOKENIZED
        if name in components
    }
    model = VLJEPA(config, tokenizers, components=components)
    for name in model.networks:
        _load_weights(model, name, _existing(folder / weights_file(name)))
    return model.eval().requires_grad_(False)


def save_checkpoint(
    model: VLJEPA,
    folder: Path,
    *,
    tokenizer_source: Path,
    dtype: torch.dtype | None = None,
    int8_tables: bool = False,
) -> None:
    """Write configuration, weights and tokenizers.

    Everything is written beside its place first and then moved there, the configuration last: an
    interrupted save leaves no truncated file.

    Args:
        model: a model with all its networks.
        folder: created when missing; files of the same names are replaced.
        tokenizer_source: folder that holds the `*.tokenizer.json` files.
        dtype: of the stored weights; None keeps their present one. Half precision halves the
            files, and they are run in float32 all the same.
        int8_tables: store large tables of tokens in 8 bits a number (`compact`).
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix='.saving-') as name:
        saving = Path(name)
        for component, network in model.networks.items():
            state = compacted(network, dtype=dtype, int8_tables=int8_tables)
            save_file(state, saving / weights_file(component))
        for component in TOKENIZED:
            shutil.copyfile(
                tokenizer_source / tokenizer_file(component), saving / tokenizer_file(component)
            )
        text = json.dumps(model.config.to_dict(), indent=2)
        (saving / CONFIG_FILE).write_text(text + '\n', encoding='utf-8')
        for path in sorted(saving.iterdir(), key=lambda path: path.name == CONFIG_FILE):
            path.chmod(0o644)  # safetensors makes files that only their owner may read
            path.replace(folder / path.name)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file.

    Raises:
        CheckpointError: the file is truncated or no safetensors file.
        MissingDependencyError: safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingDependencyError(
            "Checkpoints need the library 'safetensors', which is not installed. "
            "Install it with: pip install 'vljepa_ros[cpu]'"
        ) from error
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f'{path} is truncated or no safetensors file ({error}). Copy it again'
        ) from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise CheckpointError(f'{path.parent} is incomplete: {path.name} is missing')
    return path


def _load_tokenizer(folder: Path, name: str, vocab_size: int) -> Tokenizer:
    path = _existing(folder / tokenizer_file(name))
    tokenizer = Tokenizer(path, writes=name == 'y_decoder')
    if tokenizer.vocab_size > vocab_size:
        raise CheckpointError(
            f'{path} has {tokenizer.vocab_size} tokens, but vocab_size in {CONFIG_FILE} beside it '
            f'is {vocab_size}. The tokenizer belongs to another checkpoint'
        )
    return tokenizer


def _load_weights(model: VLJEPA, name: str, path: Path) -> None:
    try:
        model.networks[name].load_state_dict(expanded(read_weights(path)))
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise CheckpointError(
            f'{path} does not fit {CONFIG_FILE} beside it: {" ".join(lines[:3])[:300]}. '
            'The weights belong to another architecture'
        ) from error
