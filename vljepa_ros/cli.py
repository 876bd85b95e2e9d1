# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `vljepa` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vljepa_ros import __version__
from vljepa_ros.errors import VljepaError
from vljepa_ros.launch_arguments import (
    ARGUMENTS,
    description_of,
    missing_environment,
    pipeline_arguments,
)
from vljepa_ros.resources import find_resource

SAMPLE_VIDEO = 'samples/tabletop.mp4'


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options))
    except VljepaError as error:
        print(f'vljepa: {error}', file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='vljepa', description='VL-JEPA for ROS 2')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')

    up = commands.add_parser('up', help='start the nodes, as perception.launch.py does')
    for argument in ARGUMENTS:
        up.add_argument(
            f'--{argument.name.replace("_", "-")}',
            dest=argument.name,
            default=argument.default,
            choices=argument.choices or None,
            metavar=None if argument.choices else argument.name.upper(),
            help=description_of(argument),
        )
    up.set_defaults(run=_up)

    demo = commands.add_parser('demo', help='play a video as a camera and print the events')
    demo.add_argument(
        '--video', type=Path, help='video file or folder of images (default: a shipped sample)'
    )
    demo.add_argument('--json', type=Path, metavar='OUT', help='write events and figures to OUT')
    demo.add_argument('--no-loop', action='store_true', help='end with the video')
    demo.add_argument(
        '--rate', type=float, default=0.0, metavar='HZ', help='images a second (default: its own)'
    )
    demo.add_argument('--model', default='', help='model name or checkpoint folder')
    demo.add_argument('--params-file', default='', help='YAML file with the node parameters')
    demo.set_defaults(run=_demo)

    docs = commands.add_parser('docs', help='print the page of all node parameters')
    docs.set_defaults(run=_docs)
    version = commands.add_parser('version', help='print the version')
    version.set_defaults(run=_version)
    return parser


def _up(options: argparse.Namespace) -> int:
    arguments = pipeline_arguments({item.name: getattr(options, item.name) for item in ARGUMENTS})
    os.environ.update(missing_environment())  # before ROS and PyTorch are loaded
    from vljepa_ros.nodes.pipeline import main as pipeline

    pipeline(arguments)
    return 0


def _demo(options: argparse.Namespace) -> int:
    video = options.video or find_resource(SAMPLE_VIDEO)
    from vljepa_ros.stream.video_source import VideoSource

    VideoSource(video, rate_hz=options.rate)  # a wrong file is better said before all else
    from vljepa_ros.demo import DemoOptions, run_demo

    up = ['--log-level', 'warn']
    if options.model:
        up += ['--model', options.model]
    if options.params_file:
        up += ['--params-file', options.params_file]
    return run_demo(
        DemoOptions(
            video=video,
            up=up,
            rate_hz=options.rate,
            loop=not options.no_loop,
            json=options.json,
        )
    )


def _docs(options: argparse.Namespace) -> int:
    from vljepa_ros.nodes.tables import parameters_page

    print(parameters_page(), end='')
    return 0


def _version(options: argparse.Namespace) -> int:
    print(f'vljepa_ros {__version__}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
