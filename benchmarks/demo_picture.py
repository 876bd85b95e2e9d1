# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what the demo said about a video: its pictures, what is true, the events.

    make demo ARGS="--json build/demo.json --no-loop"
    python -m benchmarks.demo_picture --record build/demo.json --out docs/images/demo.png

Needs matplotlib (pip install matplotlib).
"""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from vljepa_ros.resources import find_resource
from vljepa_ros.stream.video_source import VideoSource

PICTURES = 9
IDLE, BUSY = '#d5d8dc', '#7fb3d5'
QUIET_TEXT = 'Nothing happens.'
LETTERS_A_LINE, LEAST_WIDTH = 174, 9  # what fits into the picture's width, and into a short bar


def pictures(video: Path) -> tuple[list[np.ndarray], float]:
    """Return evenly spaced pictures of a video and its length in seconds."""
    frames = list(VideoSource(video))
    chosen = np.linspace(0, len(frames) - 1, PICTURES).round().astype(int)
    return [frames[index].image for index in chosen], frames[-1].time_s


def bars(
    axis: Any, row: int, stretches: list[tuple[float, float, str]], *, length_s: float
) -> None:
    """Draw stretches of time with their texts; `length_s` is that of the whole picture."""
    for start_s, end_s, text in stretches:
        quiet = text == QUIET_TEXT
        colour = IDLE if quiet else BUSY
        axis.barh(row, end_s - start_s, left=start_s, color=colour, edgecolor='white', height=0.9)
        words = '' if quiet else text.removeprefix('The robot ').rstrip('.')
        label = textwrap.fill(
            words, max(LEAST_WIDTH, round((end_s - start_s) / length_s * LETTERS_A_LINE))
        )
        axis.text((start_s + end_s) / 2, row, label, ha='center', va='center', fontsize=7.5)


def main() -> None:
    """Draw from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--record', type=Path, required=True, help='what the demo wrote')
    parser.add_argument('--video', type=Path, default=find_resource('samples/tabletop.mp4'))
    parser.add_argument('--labels', type=Path, default=find_resource('samples/tabletop.json'))
    parser.add_argument('--out', type=Path, required=True, help='PNG file')
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    record = json.loads(arguments.record.read_text(encoding='utf-8'))
    labels = json.loads(arguments.labels.read_text(encoding='utf-8'))
    images, length_s = pictures(arguments.video)
    figure = pyplot.figure(figsize=(11, 3.8), dpi=110)
    for index, image in enumerate(images):
        axis = figure.add_axes((0.07 + 0.92 * index / PICTURES, 0.55, 0.92 / PICTURES, 0.42))
        side = image.shape[0]
        left = (image.shape[1] - side) // 2
        axis.imshow(image[:, left : left + side])
        axis.set_axis_off()
    axis = figure.add_axes((0.07, 0.12, 0.92, 0.42))
    true = [(row['start_s'], row['end_s'], row['caption']) for row in labels['segments']]
    said = [
        (event['start_s'], event['end_s'], event['text'])
        for event in record['events']
        if event['phase'] == 'ENDED'
    ]
    bars(axis, 1, true, length_s=length_s)
    bars(axis, 0, said, length_s=length_s)
    axis.set(xlim=(0, length_s), yticks=(0, 1), yticklabels=('events', 'truth'))
    axis.set_xlabel('seconds (grey: nothing happens)')
    axis.spines[['top', 'right', 'left']].set_visible(False)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out)


if __name__ == '__main__':
    main()
