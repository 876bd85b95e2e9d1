# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded videos with texts: decoded once to the model's rate and size, and kept on disk.

What cannot be used is skipped and counted, so one broken file does not cost a night.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.processes import ONE, Processes
from training.video_decoding import at_rate, decode
from vljepa_ros.errors import ConfigurationError, ImageError, MissingDependencyError, VljepaError
from vljepa_ros.stream.image_ops import to_model_view

JPEG_QUALITY = 95
SHOWN_REASONS = 10


@dataclass(frozen=True)
class Question:
    """A question about a recording; the wrong candidates are hard negatives."""

    text: str
    answer: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """A part of a video and what is known about it.

    Attributes:
        name: how messages name it.
        group: recordings of one group belong to the same split, such as two cameras of one
            episode.
        video: file, or folder of images.
        start_s: first moment.
        end_s: last moment; infinite for the video's end.
        captions: texts of one meaning that say what happens.
        label: a short name of it, or ''.
        questions: with their answers.
        action: what led from the image at `initial_s` to that at `goal_s`, or ''.
        initial_s: moment before the action.
        goal_s: moment after it; infinite for the end.
        split: 'train', 'val', or '' to draw it.
    """

    name: str
    group: str
    video: Path
    start_s: float = 0.0
    end_s: float = math.inf
    captions: tuple[str, ...] = ()
    label: str = ''
    questions: tuple[Question, ...] = ()
    action: str = ''
    initial_s: float = 0.0
    goal_s: float = math.inf
    split: str = ''

    @property
    def meaning(self) -> str:
        """Its main text, equal for recordings that show the same."""
        main = (*self.captions, self.label, self.action, *(q.answer for q in self.questions))
        return next((text for text in main if text), '').casefold()


@dataclass
class Skipped:
    """What was left out, and why."""

    reasons: list[str] = field(default_factory=list)

    def add(self, name: str, reason: object) -> None:
        """Count one."""
        self.reasons.append(f'{name}: {" ".join(str(reason).split())}')

    def __len__(self) -> int:
        """Return how many were left out."""
        return len(self.reasons)

    def report(self) -> str:
        """Return the number and the first reasons, in several lines."""
        if not self.reasons:
            return 'Nothing was skipped.'
        shown = [f'  {reason}' for reason in self.reasons[:SHOWN_REASONS]]
        more = len(self.reasons) - len(shown)
        rest = [f'  and {more} more'] if more else []
        return '\n'.join([f'Skipped {len(self.reasons)}:', *shown, *rest])


@dataclass(frozen=True)
class Frames:
    """The frames of a recording at the clip rate.

    Attributes:
        path: holds them as JPEG.
        times_s: moment of each frame in the video.
    """

    path: Path
    times_s: np.ndarray

    def read(self, rows: Sequence[int]) -> np.ndarray:
        """Return some frames, uint8 [N, S, S, 3]."""
        with np.load(self.path) as file:
            ends, jpeg = file['ends'], file['jpeg']
        images = {}
        for row in sorted(set(rows)):
            start = int(ends[row - 1]) if row else 0
            picture = cv2.imdecode(jpeg[start : int(ends[row])], cv2.IMREAD_COLOR)
            if picture is None:
                raise ImageError(f'{self.path} is damaged. Remove it, it is written anew')
            images[row] = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return np.stack([images[row] for row in rows])


def prepare(
    recordings: Sequence[Recording],
    folder: Path,
    *,
    fps: float,
    size: int,
    skipped: Skipped,
    processes: Processes = ONE,
) -> list[tuple[Recording, Frames]]:
    """Decode all recordings that are not there yet, with a progress bar.

    Args:
        recordings: with at least one text each; those without are skipped.
        folder: of the frames.
        fps: frames a second.
        size: side of the frames in pixels.
        skipped: takes what cannot be used.
        processes: the first one decodes.

    Returns:
        The usable recordings.

    Raises:
        ConfigurationError: none is usable.
        MissingDependencyError: PyAV is not installed.
    """
    usable: list[tuple[Recording, Frames]] = []
    folder.mkdir(parents=True, exist_ok=True)
    with processes.main_first():
        bar = tqdm(
            recordings,
            desc='videos',
            unit='part',
            dynamic_ncols=True,
            disable=not processes.main,
        )
        for recording in bar:
            try:
                if not recording.meaning:
                    raise ConfigurationError('the text is empty')
                usable.append((recording, _frames(recording, folder, fps=fps, size=size)))
            except MissingDependencyError:
                raise
            except (VljepaError, OSError, ValueError) as error:  # PyAV's errors are of these
                skipped.add(recording.name, error)
                bar.set_postfix(skipped=len(skipped))
    if not usable:
        raise ConfigurationError(f'The data holds no usable recording. {skipped.report()}')
    return usable


def _frames(recording: Recording, folder: Path, *, fps: float, size: int) -> Frames:
    start_s = min(recording.start_s, recording.initial_s)
    end_s = max(recording.end_s, recording.goal_s)
    state = recording.video.stat()
    key = f'{recording.video.resolve()} {state.st_size} {state.st_mtime_ns} {start_s} {end_s}'
    digest = hashlib.sha256(f'{key} {fps} {size}'.encode()).hexdigest()[:20]
    path = folder / f'{digest}.npz'
    if not path.is_file():
        _write(path, recording.video, start_s, end_s, fps=fps, size=size)
    with np.load(path) as file:
        return Frames(path, file['times_s'])


def _write(
    path: Path, video: Path, start_s: float, end_s: float, *, fps: float, size: int
) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    blobs, times = [], []
    for time_s, image in at_rate(decode(video, start_s, end_s), fps=fps, start_s=start_s):
        view = cv2.cvtColor(to_model_view(image, size), cv2.COLOR_RGB2BGR)
        blobs.append(cv2.imencode('.jpg', view, options)[1].ravel())
        times.append(time_s)
    if not blobs:
        raise ImageError(f'no frame lies between {start_s:g} and {end_s:g} s')
    partial = path.with_suffix('.partial.npz')
    np.savez(
        partial,
        jpeg=np.concatenate(blobs),
        ends=np.cumsum([len(blob) for blob in blobs]),
        times_s=np.array(times),
    )
    partial.rename(path)
