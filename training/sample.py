# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes one simulated episode as a camera video with labels.

`python -m training.sample --seed 7 --out DIR` writes

* `camera.mp4`: 640x480, H.264. Its middle 480x480 square is the view that models are trained on.
* `labels.json`: an object with
    - `seed`, `split`, `fps`, `frames`, `width`, `height`, `duration_s`;
    - `segments`: list of `start_s`, `end_s` (seconds from the first frame, without gaps),
      `action`, `kind`, `colour`, `target`, `reference` (kind and colour of the other object),
      `success` and `caption`; all but the times, the action and success may be null;
    - `objects`: list of `kind`, `colour`; `furniture`: list of names;
    - `states`: list of `time_s`, `places` (for each object), `relations` (subject, relation,
      object), `drawer_open`, `held` (index into `objects` or null), `caption` and `questions`
      (`kind`, `text`, `answer`, `candidates`); one entry for the first frame and one for each
      frame at which the caption differs from the one before.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world import SPLIT_CODE, Episode, render_episode
from training.world.language.captions import caption
from training.world.language.questions import questions
from training.world.language.states import relations, state_text
from vljepa_ros.errors import ConfigurationError, MissingDependencyError, VljepaError

WIDTH, HEIGHT = 640, 480


def write_video(path: Path, frames: NDArray[np.uint8], *, fps: float) -> None:
    """Write frames (uint8 [T, H, W, 3] RGB, even sizes) as H.264.

    Raises:
        MissingDependencyError: PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError('Writing video needs PyAV: `pip install av`.') from error
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        stream.options = {'crf': '20', 'preset': 'medium'}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        container.mux(stream.encode(None))


def _states(episode: Episode) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = []
    for index, time_s in enumerate(episode.times_s):
        scene = episode.scene(index)
        text = state_text(scene)
        if states and states[-1]['caption'] == text:
            continue
        rng = np.random.default_rng([episode.seed, index])
        states.append(
            {
                'time_s': round(float(time_s), 4),
                'places': list(scene.places),
                'relations': [list(relation) for relation in relations(scene)],
                'drawer_open': scene.drawer_open,
                'held': scene.held,
                'caption': text,
                'questions': [asdict(question) for question in questions(scene, rng)],
            }
        )
    return states


def labels(episode: Episode) -> dict[str, Any]:
    """Return the content of `labels.json` (see the module's text) for an episode."""
    height, width = episode.frames.shape[1:3]
    return {
        'seed': episode.seed,
        'split': episode.split,
        'fps': episode.fps,
        'frames': len(episode.frames),
        'width': width,
        'height': height,
        'duration_s': round(episode.segments[-1].end_s, 4),
        'segments': [
            {
                **asdict(segment),
                'start_s': round(segment.start_s, 4),
                'end_s': round(segment.end_s, 4),
                'caption': caption(segment),
            }
            for segment in episode.segments
        ],
        'objects': [asdict(item) for item in episode.objects],
        'furniture': [piece.name for piece in episode.plan.layout.furniture],
        'states': _states(episode),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m training.sample',
        description='Write one simulated episode: camera.mp4 and labels.json.',
    )
    parser.add_argument('--seed', type=int, required=True, help='number of the episode')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument('--actions', type=int, help='number of actions, 0 = still (3 to 7)')
    parser.add_argument('--seconds', type=float, help='length (by chance)')
    parser.add_argument('--fps', type=float, default=30.0, help='frames per second (30)')
    parser.add_argument(
        '--split', choices=tuple(SPLIT_CODE), default='iid', help='which episodes (iid)'
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns 0, or 2 after printing what was wrong."""
    options = _parser().parse_args(arguments)
    out: Path = options.out

    def progress(done: int, total: int) -> None:
        end = '\n' if done == total else ''
        if done == total or (done % 10 == 0 and sys.stderr.isatty()):
            print(f'\rdrawn {done} of {total} frames', end=end, file=sys.stderr, flush=True)

    try:
        if out.exists() and not out.is_dir():
            raise ConfigurationError(f'--out {out} is a file; name a folder.')
        episode = render_episode(
            seed=options.seed,
            split=options.split,
            fps=options.fps,
            width=WIDTH,
            height=HEIGHT,
            actions=options.actions,
            seconds=options.seconds,
            progress=progress,
        )
        out.mkdir(parents=True, exist_ok=True)
        write_video(out / 'camera.mp4', episode.frames, fps=options.fps)
        (out / 'labels.json').write_text(json.dumps(labels(episode), indent=1) + '\n')
    except (VljepaError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    print(f'{out / "camera.mp4"}: {len(episode.frames)} frames, {options.fps:g} per second')
    return 0


if __name__ == '__main__':
    sys.exit(main())
