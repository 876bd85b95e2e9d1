# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa eval --manifest FILE.jsonl`: the tasks on a user's own videos.

What a line must hold is said in `manifest_file`. Intervals count videos, not lines, since parts of
one video are not independent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.evaluation.items import Request
from training.evaluation.manifest_clips import VideoFrames
from training.evaluation.manifest_file import Line, read_lines
from training.evaluation.manifest_scores import Answer, score_answers
from training.evaluation.observe import answer, embed_texts
from training.evaluation.results import Results
from training.evaluation.test_set import View
from vljepa_ros.errors import ConfigurationError, VljepaError
from vljepa_ros.inference import Engine

QUICK_LINES = 50


@dataclass
class Faults:
    """Lines that were left out, with the reason."""

    found: list[tuple[int, str]]

    def add(self, number: int, reason: str) -> None:
        """Keep and print one."""
        self.found.append((number, reason))
        tqdm.write(f'line {number} left out: {reason}', file=sys.stderr)


def evaluate_manifest(
    engine: Engine, path: Path, results: Results, *, quick: bool = False
) -> None:
    """Measure a model on the videos that a manifest lists.

    Args:
        engine: the model.
        path: of the manifest.
        results: gets the scores, and how many lines were left out.
        quick: only the first `QUICK_LINES` lines.

    Raises:
        ResourceNotFoundError: there is no such manifest.
        ConfigurationError: no line of it can be used.
    """
    faults = Faults([])
    usable: list[Line] = []
    rows = list(islice(read_lines(path), QUICK_LINES if quick else None))
    for number, line, reason in rows:
        if line is None:
            faults.add(number, reason)
        else:
            usable.append(line)
    if 'action' not in engine.config.queries and any(line.action for line in usable):
        results.notes.append(f'action inference: {engine.model_id} has no query "action"')
        usable = [replace(line, action='') for line in usable]
    texts = _embed(engine, usable, faults)
    answers = _answers(engine, usable, texts, faults)
    if not answers:
        raise ConfigurationError(
            f'No line of {str(path)!r} can be used: {len(faults.found)} of {len(rows)} are '
            f'faulty{", the first: " + faults.found[0][1] if faults.found else ""}. '
            'docs/evaluation.md says what a line holds'
        )
    results.settings |= {
        'manifest': path.name,
        'lines': len(rows),
        'lines_left_out': [list(fault) for fault in sorted(faults.found)],
    }
    if faults.found:
        results.notes.append(f'{len(faults.found)} of {len(rows)} lines were left out')
    measured = score_answers(answers, texts)
    for name, score in measured.scores.items():
        results.add(name, score)
    results.raw |= measured.raw


def _embed(engine: Engine, lines: list[Line], faults: Faults) -> dict[str, np.ndarray]:
    """Embed all texts; lines with one that the model refuses are taken out of the list."""
    texts: dict[str, np.ndarray] = {}
    for line in tqdm(list(lines), desc='embed texts', unit='line'):
        try:
            texts.update(embed_texts(engine, line.texts - texts.keys()))
        except VljepaError as error:
            faults.add(line.number, str(error))
            lines.remove(line)
    return texts


def _answers(
    engine: Engine, lines: Sequence[Line], texts: dict[str, np.ndarray], faults: Faults
) -> list[Answer]:
    """Read each video once and answer its lines."""
    config = engine.config
    view = View(config.clip_fps, config.image_size, config.clip_frames)
    by_video: dict[Path, list[Line]] = {}
    for line in lines:
        by_video.setdefault(line.video, []).append(line)
    answers = []
    with tqdm(total=len(lines), desc='watch videos', unit='line') as bar:
        for number, (path, own) in enumerate(by_video.items()):
            try:
                frames = VideoFrames(path, own, view)
            except VljepaError as error:
                for line in own:
                    faults.add(line.number, str(error))
                bar.update(len(own))
                continue
            for line in own:
                try:
                    answers.append(_answer(engine, line, frames, number))
                except VljepaError as error:
                    faults.add(line.number, str(error))
                bar.update()
    return answers


def _answer(engine: Engine, line: Line, frames: VideoFrames, video: int) -> Answer:
    queries = ('caption', line.question) if line.question else ('caption',)
    asked = [Request(clip, queries, ()) for clip in frames.clips(line)]
    last = [Request(frames.transition(line), ('action',), ())] if line.action else []
    found = [embeddings for _, embeddings in answer(engine, chain(asked, last))]
    action = found.pop()[0] if last else None
    mean = np.mean(found, axis=0)  # [Q, D] over the clips
    mean /= np.linalg.norm(mean, axis=-1, keepdims=True)
    return Answer(line, video, mean[0], mean[1] if line.question else None, action)
