# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The models: whether their files are whole, and whether they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vljepa_ros.doctor.child import in_child
from vljepa_ros.doctor.findings import (
    Finding,
    Level,
    fail,
    guarded,
    note,
    ok,
    sentence,
    warn,
)
from vljepa_ros.errors import VljepaError
from vljepa_ros.inference.clip_timing import time_clips, try_text
from vljepa_ros.inference.graph_weights import check_weights, weights_digest
from vljepa_ros.inference.graphs import GRAPH_PRECISIONS, IN_INT8, graph_file
from vljepa_ros.inference.loading import load_engine
from vljepa_ros.model.checkpoint_folder import (
    existing,
    load_config,
    load_tokenizers,
    model_id,
    weights_file,
)
from vljepa_ros.model.components import TOKENIZED, present
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.phrases import PHRASES_FILE, load_phrases
from vljepa_ros.resources import resolve_model, shipped_models

TIMEOUT_S = 600.0


@dataclass(frozen=True)
class RunOptions:
    """What a model is run with, as in `load_engine`."""

    backend: str = 'auto'
    device: str = 'auto'
    precision: str = 'auto'
    threads: int = 0


def model_names(wanted: Sequence[str]) -> list[str]:
    """Return the models to look at: those that are named, else the shipped ones."""
    return list(wanted) or sorted(shipped_models())


def no_model() -> Iterator[Finding]:
    """Say that there is none."""
    yield warn('Models', 'None is shipped here', 'Name one: vljepa doctor --model FOLDER')


def model(name: str, options: RunOptions) -> Iterator[Finding]:
    """Look at a model's files, and run it.

    Args:
        name: a shipped model's name or a checkpoint folder.
        options: what it is run with.
    """
    whole = True
    for check in (files, run):
        if check is run and not whole:
            yield note(f'{name} runs', 'Not tried: its files are broken')
            return
        arguments = (name, asdict(options)) if check is run else (name,)
        for finding in in_child(name, check, *arguments, timeout_s=TIMEOUT_S):
            whole = whole and finding.level is not Level.FAIL
            yield finding


def files(name: str) -> Iterator[Finding]:
    """Look at a model's files; runs in a child process."""
    folder = resolve_model(name)
    config = load_config(folder)
    yield ok(name, f'{folder}: {", ".join(present(config))}')
    parts: dict[str, Callable[[Path, ModelConfig, str], Iterator[Finding]]] = {
        f'{name} weights': _weights,
        f'{name} tokenizers': _tokenizers,
        f'{name} graphs': _graphs,
        f'{name} phrase bank': _phrases,
    }
    for title, look in parts.items():
        yield from guarded(title, lambda: look(folder, config, title))  # noqa: B023 (used now)


def _weights(folder: Path, config: ModelConfig, title: str) -> Iterator[Finding]:
    from safetensors import SafetensorError, safe_open

    size = 0
    broken = False
    for component in present(config):
        try:
            path = existing(folder / weights_file(component))
            with safe_open(path, framework='np') as file:
                file.keys()
            size += path.stat().st_size
        except (SafetensorError, OSError) as error:
            broken = True
            yield fail(
                title,
                f'{path} is truncated or no safetensors file ({sentence(error)})',
                'Copy it again',
            )
        except VljepaError as error:
            broken = True
            yield fail(title, sentence(error), 'Copy the whole folder again')
    if not broken:
        yield ok(title, f'All there and whole, {size / 1e6:.1f} MB')


def _tokenizers(folder: Path, config: ModelConfig, title: str) -> Iterator[Finding]:
    load_tokenizers(folder, config, TOKENIZED)
    yield ok(title, 'All there')


def _graphs(folder: Path, config: ModelConfig, title: str) -> Iterator[Finding]:
    complete, partial = [], []
    for precision in GRAPH_PRECISIONS:
        wanted = IN_INT8 if precision == 'int8' else present(config)
        there = [name for name in wanted if (folder / graph_file(name, precision)).is_file()]
        if len(there) == len(wanted):
            complete.append(precision)
        elif there:
            lacking = [name for name in wanted if name not in there]
            partial.append(f'{precision} (without {", ".join(lacking)})')
        for name in there:
            yield from _graph(folder, name, precision, title)
    text = f'Complete in {", ".join(complete)}' if complete else ''
    lacking_some = f'incomplete in {", ".join(partial)}' if partial else ''
    text = '; '.join(filter(None, (text, lacking_some))) or 'None'
    if 'fp32' in complete and not partial:
        yield ok(title, text)
        return
    slow = '' if 'fp32' in complete else ': only PyTorch runs the model, the slowest backend'
    yield warn(title, f'{text}{slow}', f'On a machine with PyTorch: vljepa export {folder}')


def _graph(folder: Path, name: str, precision: str, title: str) -> Iterator[Finding]:
    """Yield what is wrong with a graph without loading it; a lack of weights is said there."""
    weights = folder / weights_file(name)
    if not weights.is_file():
        return
    try:
        check_weights(folder / graph_file(name, precision), weights_digest(weights))
    except VljepaError as error:
        yield fail(title, sentence(error))


def _phrases(folder: Path, config: ModelConfig, title: str) -> Iterator[Finding]:
    if not (folder / PHRASES_FILE).is_file():
        yield note(title, 'None: texts are written by the Y-Decoder')
        return
    identity = model_id(folder, config)
    bank = load_phrases(folder, model_id=identity, dim=config.embedding_dim)
    yield ok(title, f'{len(bank.texts)} phrases')


def run(name: str, options: dict[str, object]) -> Iterator[Finding]:
    """Load a model and run a clip and a text through it; runs in a child process."""
    title = f'{name} runs'
    said: list[str] = []
    values = RunOptions(**options)  # type: ignore[arg-type]
    engine = load_engine(name, **asdict(values), say=said.append)
    for text in said:
        yield note(title, ' '.join(text.split()))
    times = time_clips(engine)
    try_text(engine)
    info = engine.info
    threads = f', {info.threads} threads' if info.threads else ''
    yield ok(
        title,
        f'{engine.model_id} on {info.backend} {info.precision}, {info.device}{threads}: {times}; '
        f'that is {1000.0 / times.median_ms:.1f} clips a second',
    )
    engine.close()
