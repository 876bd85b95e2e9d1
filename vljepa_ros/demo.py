# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`vljepa demo`: a video on a real camera topic, the nodes in their processes, events printed."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from vljepa_ros import __version__
from vljepa_ros.client import Event, VljepaClient
from vljepa_ros.errors import EngineError, VljepaError
from vljepa_ros.process_environment import missing_environment

START_TIMEOUT_S = 120.0
DRAIN_TIMEOUT_S = 5.0
# Longer than a message takes from process to process on a busy machine.
DELIVERY_S = 0.5
STOP_TIMEOUT_S = 10.0
METRICS = {
    'frames_in': ('perception', int),
    'frames_dropped': ('perception', int),
    'embeddings': ('perception', int),
    'decodes': ('event', int),
    'latency_p50_ms': ('perception', float),
    'latency_p99_ms': ('perception', float),
}


@dataclass(frozen=True)
class DemoOptions:
    """What to play and how.

    Attributes:
        video: a video file or a folder of images.
        up: further arguments of `vljepa up`.
        rate_hz: images a second; 0 takes the video's own rate.
        loop: play until the user stops it.
        json: where to write events and figures; None writes nothing.
    """

    video: Path
    up: Sequence[str] = ()
    rate_hz: float = 0.0
    loop: bool = True
    json: Path | None = None


def run_demo(options: DemoOptions) -> int:
    """Run the demo; return the exit status.

    Raises:
        VljepaError: a node did not start.
    """
    os.environ.update(missing_environment())
    if 'ROS_DOMAIN_ID' not in os.environ:
        # Two demos on one machine, or a robot on the same network, must not mix.
        os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
    print(f'ROS_DOMAIN_ID={os.environ["ROS_DOMAIN_ID"]}, video {options.video}', flush=True)
    demo = _Demo(options)
    # As Ctrl-C, so that an ended demo leaves no process behind. A shell starts background jobs
    # with SIGINT ignored; who sends it all the same wants the demo to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        return demo.run()
    finally:
        demo.close()


class _Demo:
    def __init__(self, options: DemoOptions) -> None:
        self._options = options
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._client: VljepaClient | None = None

    def run(self) -> int:
        status = 0
        pipeline = self._start('vljepa_ros.cli', 'up', *self._options.up)
        self._client = client = VljepaClient(name='vljepa_demo')
        try:
            camera = self._start('vljepa_ros.nodes.camera_node', *self._camera_arguments())
            self._await_active(client, pipeline)
            client.on_event(self._print)
            # Only now, so that no image is played to nobody.
            for transition in ('configure', 'activate'):
                if not client.change_state('camera', transition):
                    failure = client.diagnostics('camera').get('last_failure')
                    raise EngineError(f'The camera did not {transition}: {failure}')
            while camera.poll() is None and pipeline.poll() is None:
                time.sleep(0.1)
            if pipeline.returncode is not None or camera.returncode:
                status = 1
        except KeyboardInterrupt:
            # Playing for ever, Ctrl-C is the ordinary way to end.
            status = 0 if self._options.loop else 130
        if pipeline.poll() is None:
            self._drain(client)
        self._report(client)
        return status

    def close(self) -> None:
        """Stop what still runs."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for name, process in self._processes.items():
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                print(f'{name} did not stop and is killed', file=sys.stderr)
                process.kill()
                process.wait()
        if self._client is not None:
            self._client.close()

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        # In a session of its own, Ctrl-C reaches the demo alone, which ends the others in order.
        process = subprocess.Popen(
            [sys.executable, '-m', module, *arguments], start_new_session=True
        )
        self._processes[module] = process
        return process

    def _camera_arguments(self) -> list[str]:
        parameters = {
            'video': json.dumps(str(self._options.video.absolute()), ensure_ascii=False),
            'rate_hz': self._options.rate_hz,
            'loop': str(self._options.loop).lower(),
            'exit_at_end': 'true',
            'autostart': 'false',
        }
        arguments = ['--ros-args', '-r', '__ns:=/vljepa', '--log-level', 'warn']
        for name, value in parameters.items():
            arguments += ['-p', f'{name}:={value}']
        return arguments

    def _await_active(self, client: VljepaClient, pipeline: subprocess.Popen[bytes]) -> None:
        end_s = time.monotonic() + START_TIMEOUT_S
        for node in ('perception', 'event'):
            while not client.wait_until_active(node, timeout_s=1.0):
                if pipeline.poll() is not None:
                    raise EngineError(f'The nodes ended with status {pipeline.returncode}')
                failure = client.diagnostics(node).get('last_failure')
                if failure or time.monotonic() > end_s:
                    raise EngineError(f'The node {node} did not start: {failure or "time is up"}')

    def _drain(self, client: VljepaClient) -> None:
        """Have the last images embedded and the last segment ended."""
        try:
            time.sleep(DELIVERY_S)
            client.change_state('perception', 'deactivate')
            time.sleep(DELIVERY_S)
            client.change_state('event', 'deactivate')
            _wait_for(lambda: client.diagnostics('event').get('state') == 'inactive')
            published = int(client.diagnostics('event').get('events', 0))
            _wait_for(lambda: len(self._events) >= published)
        except VljepaError as error:
            print(f'The end of the stream may be missing: {error}', file=sys.stderr)

    def _print(self, event: Event) -> None:
        assert self._client is not None
        first_ns = int(self._client.diagnostics('camera').get('first_stamp_ns', event.start_ns))
        moment_ns = event.start_ns if event.phase == 'STARTED' else event.end_ns
        with self._lock:
            self._events.append(event)
        print(
            f'{(moment_ns - first_ns) / 1e9:7.1f} s  {event.camera}  {event.phase:7}  '
            f'{event.text!r}  {event.score:.2f}',
            flush=True,
        )

    def _report(self, client: VljepaClient) -> None:
        health = {node: client.diagnostics(node) for node in ('perception', 'event', 'camera')}
        metrics: dict[str, Any] = {
            name: kind(health[node].get(name, 0)) for name, (node, kind) in METRICS.items()
        }
        first_ns = int(health['camera'].get('first_stamp_ns', 0))
        with self._lock:
            events = [_event_record(event, first_ns) for event in self._events]
        # STARTED and ENDED of one id are one event.
        metrics['events'] = len({event['id'] for event in events})
        print(
            f'{metrics["events"]} events, {metrics["decodes"]} decodes, {metrics["embeddings"]} '
            f'embeddings from {metrics["frames_in"]} images ({metrics["frames_dropped"]} samples '
            f'dropped), latency p50 {metrics["latency_p50_ms"]:.0f} ms, '
            f'p99 {metrics["latency_p99_ms"]:.0f} ms',
            flush=True,
        )
        if self._options.json is None:
            return
        record = {
            'events': events,
            'metrics': metrics,
            'video': self._options.video.name,
            'frames_published': int(health['camera'].get('frames_out', 0)),
            'model_id': health['perception'].get('model_id', ''),
            'backend': health['perception'].get('backend', ''),
            'device': health['perception'].get('device', ''),
            'versions': {
                'vljepa_ros': __version__,
                'python': platform.python_version(),
                'ros_distro': os.environ.get('ROS_DISTRO', ''),
                # Tells the distribution where none is sourced: the wheels say it nowhere else.
                'rclpy': _version_of('rclpy'),
            },
        }
        self._options.json.parent.mkdir(parents=True, exist_ok=True)
        self._options.json.write_text(json.dumps(record, indent=2) + '\n', encoding='utf-8')


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ''


def _event_record(event: Event, first_ns: int) -> dict[str, Any]:
    """Return an event for JSON; start_s and end_s are times in the video."""
    return {
        'stamp': event.stamp_ns / 1e9,
        'camera': event.camera,
        'phase': event.phase,
        'text': event.text,
        'score': event.score,
        'id': event.id,
        'start_s': (event.start_ns - first_ns) / 1e9,
        'end_s': (event.end_ns - first_ns) / 1e9,
        'change': event.change,
    }


def _wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is true, or for some seconds."""
    end_s = time.monotonic() + DRAIN_TIMEOUT_S
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.02)
