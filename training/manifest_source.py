# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A JSONL manifest of video files with texts, as recordings.

The lines are those of `vljepa eval --manifest` (`training.evaluation.manifest_file`), so one file
serves both; a line may also have `split`, 'train' or 'val'. `caption` and `label` are answers to
"what happens", `question` and `answer` a pair of their own, `action` what led from the image at
`initial_s` to that at `goal_s`. Lines of one video belong to the same split.
"""

from __future__ import annotations

import json
from pathlib import Path

from training.evaluation.manifest_file import Line, read_lines
from training.recordings import Question, Recording, Skipped
from vljepa_ros.errors import ConfigurationError

SPLITS = ('', 'train', 'val')


def read_manifest(path: Path, skipped: Skipped) -> list[Recording]:
    """Read a manifest; lines that cannot be used are counted.

    Args:
        path: of the file; relative paths of videos start at its folder.
        skipped: takes the bad lines.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: it is not text.
    """
    found = []
    lines = list(read_lines(path))
    texts = path.read_text(encoding='utf-8-sig').splitlines()
    for number, line, wrong in lines:
        name = f'{path.name} line {number}'
        if line is None:
            skipped.add(name, wrong)
            continue
        try:
            found.append(_recording(line, name, _split(texts[number - 1])))
        except ConfigurationError as error:
            skipped.add(name, error)
    return found


def _split(text: str) -> str:
    split = json.loads(text).get('split') or ''
    if split not in SPLITS:
        raise ConfigurationError(f"split is {split!r}; it must be 'train' or 'val', or absent")
    return str(split)


def _recording(line: Line, name: str, split: str) -> Recording:
    questions: tuple[Question, ...] = ()
    if line.question:
        questions = (Question(line.question, line.answer, line.candidates),)
    return Recording(
        name=name,
        group=str(line.video.resolve()),
        video=line.video,
        start_s=line.start_s,
        end_s=line.end_s,
        captions=line.captions,
        label=line.label,
        questions=questions,
        action=line.action,
        initial_s=line.initial_s,
        goal_s=line.goal_s,
        split=split,
    )
