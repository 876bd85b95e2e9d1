# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a node: their subscriptions, and a watch over those that stop."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.timer import Timer

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.inference import Engine
from vljepa_ros.nodes.camera_stream import CameraSample, CameraStream
from vljepa_ros.nodes.image_subscription import RELIABILITIES, ImageSubscription
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.parameters import Change, Parameter
from vljepa_ros.nodes.transports import TRANSPORTS
from vljepa_ros.stream.clip_buffer import ClipBuffer

WATCH_PERIOD_S = 0.25

CAMERA_PARAMETERS = (
    Parameter(
        'image',
        ['image_raw'],
        "The cameras' image topics; relative names are resolved in the node's namespace.",
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'camera',
        ['camera'],
        "The cameras' names in embeddings and events, in the order of image.",
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'image_transport',
        'raw',
        'How the images come in: raw (sensor_msgs/Image), or compressed (JPEG or PNG in '
        "sensor_msgs/CompressedImage, on each image topic's name with /compressed added).",
        choices=tuple(TRANSPORTS),
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'image_reliability',
        'auto',
        'Whether lost packets of an image are asked for again: auto does so where every publisher '
        'of the topic offers it; best_effort never does, for a weak wireless link.',
        choices=RELIABILITIES,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'rate_hz',
        5.0,
        "Embeddings a second, in the clock of the images' stamps.",
        minimum=0.1,
        maximum=100.0,
    ),
    Parameter(
        'stop_timeout_s',
        2.0,
        'Seconds without an image after which the camera counts as stopped.',
        minimum=0.1,
        maximum=3600.0,
    ),
)


class Listener(Protocol):
    """Who gets the clips."""

    def begin(self) -> Any:
        """Note that an image has come in; the result is given to `offer`."""

    def offer(self, sample: CameraSample, begun: Any) -> None:
        """Take a due clip."""


class Cameras:
    """Collects the images of all cameras into clips while they are open."""

    def __init__(self, node: ManagedNode) -> None:
        """Create cameras that are closed.

        Args:
            node: has CAMERA_PARAMETERS and the counters frames_in, frames_late, frames_unusable.
        """
        self._node = node
        self._group = MutuallyExclusiveCallbackGroup()
        # Transitions run beside the callbacks; after `close`, no stale one may do anything.
        self._lock = threading.Lock()
        self._streams: dict[str, CameraStream] = {}
        self._listener: Listener | None = None
        self._subscriptions: list[ImageSubscription] = []
        self._watch: Timer | None = None
        node.health.probe('frame_age_s', self._frame_age)

    def open(self, engine: Engine, listener: Listener) -> None:
        """Subscribe to the cameras.

        Args:
            engine: its model says what a clip is.
            listener: gets each clip that is due.
        """
        self._listener = listener
        parameters = self._node.parameters
        for name, image in zip(parameters['camera'], parameters['image'], strict=True):
            self._open(name, image, engine)
        self._watch = self._node.create_timer(
            WATCH_PERIOD_S,
            self._watch_all,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def close(self) -> None:
        """Leave the cameras and forget their images; no clip comes afterwards."""
        if self._watch is not None:
            self._node.destroy_timer(self._watch)
            self._watch = None
        for subscription in self._subscriptions:
            subscription.close()
        with self._lock:
            streams, self._streams = self._streams, {}
            self._subscriptions, self._listener = [], None
        for stream in streams.values():
            stream.close()

    def view(self, camera: str) -> CameraSample:
        """Return the clip that ends at the newest image of a camera.

        Args:
            camera: its name; may be empty where there is only one.

        Raises:
            ConfigurationError: there is no such camera.
            StreamError: it shows nothing now.
        """
        with self._lock:
            streams = dict(self._streams)
        name = next(iter(streams)) if not camera and len(streams) == 1 else camera
        if name not in streams:
            raise ConfigurationError(f'camera is {camera!r}; allowed are {sorted(streams)}')
        return streams[name].view(stop_timeout_s=self._node.parameters['stop_timeout_s'])

    def _open(self, name: str, image: str, engine: Engine) -> None:
        node, config = self._node, engine.config
        transport = TRANSPORTS[node.parameters['image_transport']]
        topic = transport.topic(image)
        stream = CameraStream(
            name=name,
            topic=node.resolve_topic_name(topic),
            transport=transport,
            buffer=ClipBuffer(
                clip_frames=config.clip_frames,
                clip_fps=config.clip_fps,
                image_size=config.image_size,
            ),
            health=node.health,
            now_ns=lambda: node.get_clock().now().nanoseconds,
        )
        self._streams[name] = stream
        self._subscriptions.append(
            ImageSubscription(
                node,
                transport.kind,
                topic,
                functools.partial(self._on_image, stream),
                group=self._group,
                reliability=node.parameters['image_reliability'],
            )
        )

    def _on_image(self, stream: CameraStream, message: Any) -> None:
        with self._lock:
            listener = self._listener
            if listener is None or self._streams.get(stream.name) is not stream:
                return
            begun = listener.begin()
            sample = stream.take(message, rate_hz=self._node.parameters['rate_hz'])
            if sample is not None:
                listener.offer(sample, begun)

    def _watch_all(self) -> None:
        with self._lock:
            for subscription in self._subscriptions:
                subscription.adapt()
            for stream in self._streams.values():
                stream.watch(stop_timeout_s=self._node.parameters['stop_timeout_s'])

    def _frame_age(self) -> str:
        streams = list(self._streams.values())
        return ', '.join(f'{stream.silence_s:.2f}' for stream in streams)


def check_cameras(values: Mapping[str, Any]) -> None:
    """Check that every image topic has a name of its own.

    Args:
        values: those of CAMERA_PARAMETERS by name.

    Raises:
        ConfigurationError: there are more or fewer names than topics, or a name is there twice.
    """
    images, cameras = values['image'], values['camera']
    if len(images) != len(cameras):
        raise ConfigurationError(
            f'image has {len(images)} topics {images}, but camera has {len(cameras)} names '
            f'{cameras}; give each topic its name'
        )
    if len(set(cameras)) != len(cameras):
        raise ConfigurationError(f'camera is {cameras}; give each camera a name of its own')
