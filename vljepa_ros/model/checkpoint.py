# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads and saves a checkpoint folder (`checkpoint_folder`) with PyTorch."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import torch
from torch import Tensor

from vljepa_ros.errors import CheckpointError, MissingDependencyError
from vljepa_ros.model.checkpoint_folder import (
    CONFIG_FILE,
    chosen_components,
    existing,
    load_config,
    load_tokenizers,
    tokenizer_file,
    weights_file,
)
from vljepa_ros.model.compact import compacted, expanded
from vljepa_ros.model.components import COMPONENTS, TOKENIZED
from vljepa_ros.model.vl_jepa import VLJEPA


def load_checkpoint(folder: Path, *, components: Collection[str] = COMPONENTS) -> VLJEPA:
    """Load networks in float32 on the CPU, ready for inference.

    Args:
        folder: the checkpoint.
        components: which of `COMPONENTS` to load; the others are not even read. Planning heads
            that the checkpoint lacks are left out and raise an error when they are used.

    Raises:
        CheckpointError: a file is missing, truncated, or belongs to another architecture, or the
            checkpoint has none of the components.
        ConfigurationError: no component, or an unknown name.
        MissingDependencyError: safetensors or tokenizers is not installed.
    """
    config = load_config(folder)
    chosen = chosen_components(folder, config, components)
    tokenizers = load_tokenizers(folder, config, chosen)
    model = VLJEPA(config, tokenizers, components=chosen)
    for name in model.networks:
        _load_weights(model, name, existing(folder / weights_file(name)))
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
            'Install it with: pip install safetensors'
        ) from error
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f'{path} is truncated or no safetensors file ({error}). Copy it again'
        ) from error


def _load_weights(model: VLJEPA, name: str, path: Path) -> None:
    try:
        model.networks[name].load_state_dict(expanded(read_weights(path)))
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise CheckpointError(
            f'{path} does not fit {CONFIG_FILE} beside it: {" ".join(lines[:3])[:300]}. '
            'The weights belong to another architecture'
        ) from error
