# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node tests share: a ROS graph of real nodes, in this process or in others."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2: make test, or source an installation')

from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from vljepa_ros.nodes import qos  # noqa: E402
from vljepa_ros.nodes.images import to_message  # noqa: E402
from vljepa_ros.nodes.lifecycle import ManagedNode  # noqa: E402
from vljepa_ros.nodes.runner import EXECUTOR_THREADS  # noqa: E402
from vljepa_ros.nodes.spinner import Spinner  # noqa: E402
from vljepa_ros.nodes.stamps import to_stamp  # noqa: E402
from vljepa_ros.nodes.worker import Worker  # noqa: E402
from vljepa_ros.process_environment import missing_environment  # noqa: E402
from vljepa_ros.stream.stamps import SECOND_NS  # noqa: E402

WAIT_S = 60.0


def wait_until(condition: Callable[[], Any], *, timeout_s: float = WAIT_S) -> Any:
    """Return the condition's value as soon as it is true; fail after a long time."""
    end_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end_s, 'what the test waits for has not come'
        time.sleep(0.02)
    return value


class Graph:
    """Nodes that spin in this process, one of them the test's own."""

    def __init__(self) -> None:
        os.environ.update(missing_environment())
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = Node('test', namespace='/vljepa', context=self.context)
        self._nodes: list[ManagedNode] = []
        self._spinner = Spinner(threads=EXECUTOR_THREADS, context=self.context)
        self._spinner.add(self.node)

    def add(self, kind: Callable[..., ManagedNode], **parameters: Any) -> Any:
        """Start a node; it does not configure itself unless autostart is given."""
        values = {'autostart': False, **parameters}
        node = kind(
            namespace='/vljepa',
            context=self.context,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        self._nodes.append(node)
        self._spinner.add(node)
        return node

    def collect(self, kind: Any, topic: str, profile: Any) -> list[Any]:
        """Subscribe; return the list that fills."""
        received: list[Any] = []
        self.node.create_subscription(kind, topic, received.append, profile)
        return received

    def publisher(self, kind: Any, topic: str, profile: Any = qos.IMAGE_OUTPUT) -> Any:
        """Return a publisher that has a subscriber."""
        publisher = self.node.create_publisher(kind, topic, profile)
        wait_until(publisher.get_subscription_count)
        return publisher

    def call(self, kind: Any, name: str, request: Any, *, timeout_s: float = WAIT_S) -> Any:
        """Call a service and return the answer."""
        client = self.node.create_client(kind, name)
        assert client.wait_for_service(timeout_sec=WAIT_S)
        future = client.call_async(request)
        wait_until(future.done, timeout_s=timeout_s)
        self.node.destroy_client(client)
        return future.result()

    def close(self) -> None:
        self._spinner.close()
        for node in self._nodes:
            node.stop()
            node.destroy_node()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@contextlib.contextmanager
def open_graph() -> Iterator[Graph]:
    """Give a graph and end it."""
    graph = Graph()
    try:
        yield graph
    finally:
        graph.close()


@contextlib.contextmanager
def process(module: str, *arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module as a process; interrupt it at the end; show its log when a test fails."""
    with log.open('wb') as stream:
        child = subprocess.Popen(
            [sys.executable, '-m', module, *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **missing_environment()},
        )
        try:
            yield child
        except BaseException:
            print(f'{module} (status {child.poll()}) wrote:\n{log.read_text(errors="replace")}')
            raise
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
            try:
                child.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextlib.contextmanager
def busy(worker: Worker) -> Iterator[None]:
    """Keep the model's thread busy."""
    begun, end = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        end.wait()

    worker.submit(wait)
    assert begun.wait(10.0)
    try:
        yield
    finally:
        end.set()


def scene(index: int, step: int = 0, *, width: int = 320, height: int = 240) -> np.ndarray:
    """Return a picture of a scene with something that moves; scenes differ strongly."""
    colours = np.random.default_rng(index).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    image = cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)
    cv2.circle(image, (20 + 5 * step % width, height // 2), 20, (255, 255, 255), -1)
    return np.asarray(image, dtype=np.uint8)


def write_video(path: Path, *, scenes: Sequence[int], frames: int, rate_hz: float = 30.0) -> Path:
    """Write a video that shows each scene for a number of frames."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), rate_hz, (320, 240))
    for index in scenes:
        for step in range(frames):
            writer.write(cv2.cvtColor(scene(index, step), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def image_message(image: np.ndarray, stamp_ns: int, frame_id: str = 'lens') -> Any:
    """Return a message in rgb8."""
    return to_message(image, Header(stamp=to_stamp(stamp_ns), frame_id=frame_id))


class Feed:
    """Publishes a moving picture as fast as it is taken, with stamps 1/15 s apart.

    The stamps are those of a 15 Hz camera, so a clip fills in a fraction of its real time.
    """

    def __init__(self, graph: Graph, topic: str = 'image_raw') -> None:
        from sensor_msgs.msg import Image

        self.publisher = graph.publisher(Image, topic)
        self.stamp_ns = 1_000_000_000_000
        self.step = 0

    def send(self, count: int, *, index: int = 0, **changes: Any) -> None:
        """Publish pictures of a scene; changes overwrite fields of the messages."""
        size = {key: changes.pop(key) for key in ('width', 'height') if key in changes}
        for _ in range(count):
            self.stamp_ns += SECOND_NS // 15
            self.step += 1
            message = image_message(scene(index, self.step, **size), self.stamp_ns)
            for name, value in changes.items():
                setattr(message, name, value)
            self.publisher.publish(message)
            time.sleep(0.01)
