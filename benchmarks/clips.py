# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa bench clips`: what a quiet camera costs on the disk, by events and recorded in full.

The same pictures at the same rate and JPEG quality go into an MCAP file each minute and, through
the model, the change detector and the recorder of the nodes, into clips. Bytes are those of the
files. A day is 24 times the stream that is played, scaled by its length.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.clip_stream import FullRecording, Kept, play, raw_image_bytes
from benchmarks.quiet_camera import QuietCamera
from training.evaluation.intervals import exact
from training.evaluation.results import Results
from vljepa_ros.errors import ConfigurationError
from vljepa_ros.recordings.clip_config import ClipConfig
from vljepa_ros.recordings.watching import DETECTOR
from vljepa_ros.resources import find_resource

QUICK = '6 minutes'
PACKAGES = ('rosbags', 'mcap')
QUICK_MINUTES = 6.0
DAY_S = 86_400.0
GOAL = 50.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the suite."""
    parser.add_argument('--model', default='tiny', help="a shipped model's name or a folder")
    parser.add_argument('--threads', type=int, default=0, help='compute threads (one a core)')
    parser.add_argument('--video', type=Path, help='what happens now and then (a shipped sample)')
    parser.add_argument('--minutes', type=float, default=60.0, help='of the stream (60)')
    parser.add_argument('--plays', type=int, default=1, help='how often it happens in it (1)')
    parser.add_argument('--rate-hz', type=float, default=10.0, help='images a second (10)')
    parser.add_argument('--jpeg-quality', type=int, default=85, help='(85)')
    parser.add_argument(
        '--noise', type=float, default=2.0, help='of the camera, in steps of 8-bit pixels (2)'
    )
    parser.add_argument('--detector', default=DETECTOR, help=f'of changes ({DETECTOR})')


def run(options: argparse.Namespace) -> Results:
    """Play the stream and compare.

    Raises:
        ConfigurationError: something happens more often than the stream is long.
    """
    minutes = QUICK_MINUTES if options.quick else options.minutes
    camera = QuietCamera(
        options.video or find_resource('samples/tabletop.mp4'),
        rate_hz=options.rate_hz,
        seconds=60.0 * minutes,
        plays=options.plays,
        noise=options.noise,
        seed=0,
    )
    if options.plays < 1 or camera.busy_seconds > camera.seconds:
        raise ConfigurationError(
            f'{options.plays} plays of the video are {camera.busy_seconds:.0f} s; the stream has '
            f'{camera.seconds:.0f} s. Give 1 play or more, and more minutes'
        )
    config = ClipConfig()
    results = Results(
        'clips',
        quick=options.quick,
        seeds={'noise': 0},
        settings={
            'model': options.model,
            'video': str(options.video or 'samples/tabletop.mp4'),
            'minutes': minutes,
            'plays': options.plays,
            'busy_seconds': camera.busy_seconds,
            'rate_hz': options.rate_hz,
            'jpeg_quality': options.jpeg_quality,
            'noise': options.noise,
            'detector': options.detector,
            'before_s': config.before_s,
            'after_s': config.after_s,
        },
        packages=PACKAGES,
    )
    with tempfile.TemporaryDirectory() as folder:
        full = FullRecording(Path(folder) / 'full')
        full.folder.mkdir()
        kept = play(camera, options, config, full, Path(folder) / 'clips')
        raw_bytes = raw_image_bytes(camera, Path(folder) / 'raw') * kept.images
    add_scores(results, camera, kept, full.size, raw_bytes)
    return results


def add_scores(
    results: Results, camera: QuietCamera, kept: Kept, full_bytes: int, raw_bytes: int
) -> None:
    """Add the metrics."""
    hours = camera.seconds / 3600.0
    day = DAY_S / camera.seconds
    results.add('clips.disk_ratio', exact(full_bytes / kept.clip_bytes))
    results.add('clips.disk_ratio.raw', exact(raw_bytes / kept.clip_bytes))
    results.add('clips.full_gb_per_day', exact(full_bytes * day / 1e9))
    results.add('clips.full_gb_per_day.raw', exact(raw_bytes * day / 1e9))
    results.add('clips.kept_gb_per_day', exact(kept.clip_bytes * day / 1e9))
    results.add('clips.busy_s_per_hour', exact(camera.busy_seconds / hours))
    results.add('clips.kept_s_per_hour', exact(kept.clip_seconds / hours))
    results.add('clips.events_per_hour', exact(kept.events / hours))
    results.add('clips.clips_per_hour', exact(len(kept.clips) / hours))
    # Those in which nothing happens: false events, and the begin of the stream.
    results.add('clips.idle_clips_per_hour', exact(kept.idle_clips / hours))
    results.add('clips.busy_share_kept', exact(kept.covered))
    # As many seconds more are kept for each play as before and after it.
    bytes_a_second = kept.clip_bytes / max(kept.clip_seconds, 1e-9)
    allowed_s = full_bytes / GOAL / hours / bytes_a_second
    results.add('clips.kept_s_per_hour_at_50', exact(allowed_s))
    results.notes.append(
        f'a day is {day:.1f} times the stream of {camera.seconds / 60:.0f} minutes, in which '
        f'something happens {camera.plays} times, {camera.busy_seconds:.0f} s in all'
    )
    results.raw['clips'] = [clip.name for clip in kept.clips]
    results.raw['bytes'] = {'full': full_bytes, 'raw': raw_bytes, 'clips': kept.clip_bytes}
