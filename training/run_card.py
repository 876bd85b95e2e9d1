# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes what a checkpoint was trained on, with which settings, and how it scored on val."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.journal import LOG_FILE
from training.report.pages import empty_section
from training.run_config import RunConfig
from vljepa_ros.model.checkpoint_folder import load_config, model_id
from vljepa_ros.model.config import ModelConfig
from vljepa_ros.model.config_reading import write_dataclass
from vljepa_ros.resources import resolve_model

CARD_FILE = 'card.md'
TRAINING_FILE = 'training.json'
SHOWN = 20
CARD = """# {name}

`{model_id}`: a VL-JEPA checkpoint, trained with `vljepa train`{init}. Clips: {frames} frames at
{fps:g} Hz, {size}×{size} pixels. Embeddings: {dim} numbers.

## Data

{data}

## Scores on the val split

The weights are those of step {step}, which had the best retrieval of all that were tried, so these
numbers are a little too good: measure on other recordings with `vljepa eval`.

| what | score |
|---|---|
{scores}

Retrieval is R@1 among {pool} texts, the mean of text to video and video to text; choice is the
share of questions whose right answer is nearer than the wrong ones offered.
{tests}
## Settings

The whole of them is in `{training_file}`.

| setting | value |
|---|---|
{settings}
"""
# `python -m training.report` fills it in the card of a shipped model.
TESTS = f"""
## Scores on the test splits

{empty_section('eval')}
"""


def best_row(run: Path) -> dict[str, Any]:
    """Return the row of the log with the best retrieval, the last of equals; {} without one."""
    log = run / LOG_FILE
    if not log.is_file():
        return {}
    rows = [json.loads(line) for line in log.read_text(encoding='utf-8').splitlines()]
    scored = [row for row in rows if 'retrieval' in row]
    return max(scored, key=lambda row: (row['retrieval'], row['step']), default={})


def write_card(
    folder: Path, config: RunConfig, model: ModelConfig, contents: dict[str, Any]
) -> None:
    """Write `card.md` and `training.json` beside the weights.

    Of a checkpoint that went on from another one, `before` tells what that was trained on.

    Args:
        folder: the checkpoint, whose weights are written already.
        config: of the run.
        model: of the checkpoint.
        contents: what the data shows.
    """
    settings = write_dataclass(config)
    told: dict[str, Any] = {'settings': settings, 'data': contents}
    init = ''
    if config.init is not None:
        source = resolve_model(config.init)
        taught = 'is taught further' if config.pretrain else 'stays as it is'
        init = f' from `{model_id(source, load_config(source))}`, whose X-Encoder {taught}'
        if (source / TRAINING_FILE).is_file():
            told['before'] = json.loads((source / TRAINING_FILE).read_text(encoding='utf-8'))
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (folder / TRAINING_FILE).write_text(text + '\n', encoding='utf-8')
    best = best_row(config.run_folder)
    pool = int(best.get('retrieval_pool', 0))
    card = CARD.format(
        name=config.name,
        model_id=model_id(folder, model),
        init=init,
        frames=model.clip_frames,
        fps=model.clip_fps,
        size=model.image_size,
        dim=model.embedding_dim,
        data=_shown(contents),
        step=best.get('step', 0),
        scores='\n'.join(f'| {name} | {best[name]:.1%} |' for name in ('retrieval', 'choice'))
        if best
        else '| none | |',
        pool=pool,
        tests=TESTS if config.data.simulator is not None else '',
        training_file=TRAINING_FILE,
        settings='\n'.join(
            f'| {name} | {value} |'
            for name, value in _flat(settings)
            if name.startswith(('training.', 'decoder.', 'planning.', 'data.', 'seed'))
        ),
    )
    (folder / CARD_FILE).write_text(card, encoding='utf-8')


def _shown(contents: dict[str, Any]) -> str:
    lines = []
    for name, value in contents.items():
        if isinstance(value, list):
            first = [str(item) for item in value[:SHOWN]]
            lines.append(f'- {name}: {len(value)}')
            lines += [f'    - {text}' for text in first]
            lines += ['    - …'] if len(value) > SHOWN else []
        elif isinstance(value, dict):
            lines.append(f'- {name}:')
            lines += [f'    - {key}: {_short(item)}' for key, item in value.items()]
        else:
            lines.append(f'- {name}: {value}')
    return '\n'.join(lines)


def _short(value: Any) -> str:
    """Return a value, of a list its length: the whole of it is in `training.json`."""
    return str(len(value)) if isinstance(value, list) else str(value)


def _flat(values: dict[str, Any], prefix: str = '') -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f'{prefix}{name}.')
        elif value is not None:
            rows.append((f'{prefix}{name}', value))
    return rows
