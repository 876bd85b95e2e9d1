# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a user's list of videos: one JSON object a line, bad lines are reported and left out.

Keys of a line, all but `video` optional:

* `video`: file or folder of images; a relative path starts at the manifest's folder;
* `start_s`, `end_s`: the part that is meant (the whole video);
* `caption`: a text or a list of texts that say what happens: retrieval;
* `label`: the class; all labels of the file are the candidates: classification;
* `question`, `answer`: VQA among `candidates`, or among all answers to questions of the file;
* `action`: what led from the picture at `initial_s` to the one at `goal_s` (start and end): action
  inference among `candidates`, or among all actions of the file. Where a line has a question too,
  `candidates` belong to the question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vljepa_ros.errors import ConfigurationError, ResourceNotFoundError

TASK_KEYS = ('caption', 'label', 'question', 'action')


@dataclass(frozen=True)
class Line:
    """A checked line.

    Attributes:
        number: in the file, from 1.
        video: path of an existing file or folder.
        start_s: first moment.
        end_s: last moment; infinite for the video's end.
        captions: texts that say what happens.
        label: the class, or ''.
        question: or ''.
        answer: to the question.
        action: or ''.
        initial_s: moment of the picture before the action.
        goal_s: moment of the picture after it; infinite for the end.
        candidates: of the question, or of the action if there is no question.
    """

    number: int
    video: Path
    start_s: float
    end_s: float
    captions: tuple[str, ...]
    label: str
    question: str
    answer: str
    action: str
    initial_s: float
    goal_s: float
    candidates: tuple[str, ...]

    @property
    def texts(self) -> set[str]:
        """All texts that are embedded; the question is read by the Predictor instead."""
        own = {*self.captions, self.label, self.answer, self.action, *self.candidates}
        return own - {''}


def read_lines(path: Path) -> Iterator[tuple[int, Line | None, str]]:
    """Yield for each line that is not blank its number, and the line or what is wrong with it.

    Raises:
        ResourceNotFoundError: there is no such file.
        ConfigurationError: it is not text.
    """
    if not path.is_file():
        raise ResourceNotFoundError(f'There is no manifest {str(path)!r}')
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f'The manifest {str(path)!r} is not UTF-8 text ({error}); it must hold one JSON '
            'object a line'
        ) from error
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                yield number, parse_line(text, number=number, folder=path.parent), ''
            except ConfigurationError as error:
                yield number, None, str(error)


def parse_line(text: str, *, number: int, folder: Path) -> Line:
    """Check one line.

    Raises:
        ConfigurationError: what is wrong, in words.
    """
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f'not JSON: {error}') from error
    if not isinstance(row, dict):
        raise ConfigurationError(f'a {type(row).__name__} where a JSON object must be')
    video = folder / _text(row, 'video', needed=True)
    if not video.exists():
        raise ConfigurationError(f'there is no video {str(video)!r}')
    if not any(key in row for key in TASK_KEYS):
        raise ConfigurationError(f'nothing to measure; give one of {", ".join(TASK_KEYS)}')
    start_s, end_s = _seconds(row, 'start_s', 0.0), _seconds(row, 'end_s', math.inf)
    initial_s, goal_s = _seconds(row, 'initial_s', start_s), _seconds(row, 'goal_s', end_s)
    for first, last, names in (
        (start_s, end_s, 'start_s and end_s'),
        (initial_s, goal_s, 'initial_s and goal_s'),
    ):
        if not first < last:
            raise ConfigurationError(f'{names} are {first:g} and {last:g}; the first must be less')
    line = Line(
        number=number,
        video=video,
        start_s=start_s,
        end_s=end_s,
        captions=_texts(row, 'caption'),
        label=_text(row, 'label'),
        question=_text(row, 'question'),
        answer=_text(row, 'answer'),
        action=_text(row, 'action'),
        initial_s=initial_s,
        goal_s=goal_s,
        candidates=_texts(row, 'candidates'),
    )
    if bool(line.question) != bool(line.answer):
        raise ConfigurationError('question and answer belong together; one of them is missing')
    wanted = line.answer if line.question else line.action
    if line.candidates and wanted not in line.candidates:
        raise ConfigurationError(f'the right one, {wanted!r}, is not among the candidates')
    return line


def _text(row: dict[str, Any], key: str, *, needed: bool = False) -> str:
    value = row.get(key)
    if value is None and not needed:
        return ''
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f'{key} is {value!r}; it must be a text')
    return value.strip()


def _texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key)
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(text, str) and text.strip() for text in values):
        raise ConfigurationError(f'{key} is {value!r}; it must be a text or a list of texts')
    return tuple(dict.fromkeys(text.strip() for text in values))


def _seconds(row: dict[str, Any], key: str, default: float) -> float:
    value = row.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0.0:
        raise ConfigurationError(f'{key} is {value!r}; it must be a number of seconds, 0 or more')
    return float(value)
