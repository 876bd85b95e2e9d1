# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera sees, with the words and the change curve: the topic events/image.

It is drawn by the node that knows the words and the curve. Images are subscribed to only while
somebody subscribes to the drawn ones; until then it costs a number a sample.
"""

from __future__ import annotations

import functools
import threading
import time
from typing import Any

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.timer import Timer
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from vljepa_ros.errors import ConfigurationError, ImageError
from vljepa_ros.interfaces import Alert, SemanticEvent
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.cameras import CAMERA_PARAMETERS, check_cameras
from vljepa_ros.nodes.image_subscription import ImageSubscription
from vljepa_ros.nodes.images import to_message
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.parameters import Parameter
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.nodes.transports import TRANSPORTS
from vljepa_ros.stream.stamp_grid import StampGrid
from vljepa_ros.view.captioned_picture import Caption, FiredRule, captioned
from vljepa_ros.view.mosaic import Mosaic

WATCH_PERIOD_S = 0.5
SILENCE_S = 5.0
IMAGES = ('image', 'camera', 'image_transport', 'image_reliability')
SOURCES = {SemanticEvent.DECODER: 'decoder', SemanticEvent.NEAREST: 'nearest phrase'}

VIEW_PARAMETERS = (
    *(parameter for parameter in CAMERA_PARAMETERS if parameter.name in IMAGES),
    Parameter(
        'view_rate_hz',
        10.0,
        'Pictures a second on events/image, at most.',
        minimum=0.1,
        maximum=60.0,
    ),
    Parameter(
        'view_width',
        1280,
        'Width of events/image in pixels, at most; several cameras share it.',
        minimum=320,
        maximum=8192,
    ),
)


class EventView:
    """Draws the pictures of a node's cameras while somebody looks."""

    def __init__(self, node: ManagedNode) -> None:
        """Create the publisher; nothing is subscribed to.

        Args:
            node: has VIEW_PARAMETERS and queries.
        """
        self._node = node
        self._publisher = node.create_lifecycle_publisher(Image, 'events/image', qos.IMAGE_OUTPUT)
        # Not that of the embeddings: drawing may take its time.
        self._group = MutuallyExclusiveCallbackGroup()
        self._lock = threading.Lock()  # of the next three; the model's thread never waits long
        self._captions: dict[tuple[str, str], Caption] = {}
        self._alerts: dict[str, tuple[str, FiredRule]] = {}
        self._unknown = ''  # a camera of the embeddings that this node is not told of
        self._drawing = threading.Lock()  # of all else; held while a picture is drawn
        self._watch: Timer | None = None
        self._subscriptions: list[ImageSubscription] = []
        self._grids: dict[str, StampGrid] = {}
        self._mosaic = Mosaic(node.parameters['camera'])
        self._heard_s = 0.0

    def open(self) -> None:
        """Watch for subscribers."""
        self._watch = self._node.create_timer(
            WATCH_PERIOD_S,
            self._adapt,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def close(self) -> None:
        """Leave the cameras, and forget what was said."""
        if self._watch is not None:
            self._node.destroy_timer(self._watch)
        with self._drawing:  # a callback may be running in another thread
            self._watch = None
            self._leave()
        with self._lock:
            self._captions.clear()
            self._unknown = ''
            self._alerts.clear()

    def sample(self, camera: str, query: str, moment_ns: int, distance: float) -> None:
        """Take a point of the change curve: the distance at a moment in nanoseconds."""
        with self._lock:
            caption = self._caption(camera, query)
            if caption is not None:
                caption.curve.add(moment_ns, distance)

    def event(self, event: SemanticEvent, *, is_last: bool) -> None:
        """Take an event; is_last says whether its stream has ended."""
        with self._lock:
            caption = self._caption(event.camera, event.query)
            if caption is None:
                return
            caption.text, caption.score = event.text, event.score
            caption.source = SOURCES[event.source]
            caption.is_known = event.source == SemanticEvent.NEAREST
            caption.start_ns, caption.is_over = to_ns(event.start), is_last
            if event.phase == SemanticEvent.STARTED:
                caption.curve.mark(caption.start_ns)

    def alert(self, alert: Alert) -> None:
        """Take an alert."""
        with self._lock:
            if alert.phase == Alert.FIRED:
                fired = FiredRule(f'{alert.rule}: {alert.text}', alert.severity)
                self._alerts[alert.id] = (alert.camera, fired)
            else:
                self._alerts.pop(alert.id, None)

    def _caption(self, camera: str, query: str) -> Caption | None:
        """Return a stream's caption; none for a camera that is never drawn."""
        if camera not in self._node.parameters['camera']:
            self._unknown = camera
            return None
        return self._captions.setdefault((camera, query), Caption(query))

    def _adapt(self) -> None:
        """Subscribe to the images, or leave them."""
        is_wanted = self._publisher.get_subscription_count() > 0
        with self._drawing:
            if self._watch is None:
                return
            if not is_wanted:
                self._leave()
                return
            try:
                check_cameras(self._node.parameters.values())
                self._subscribe()
                self._check_input()
            except ConfigurationError as error:
                # The events themselves do not need the images.
                self._node.health.trouble('view', f'events/image lacks something: {error}')

    def _subscribe(self) -> None:
        if not self._subscriptions:
            parameters = self._node.parameters
            self._heard_s = time.monotonic()
            self._mosaic = Mosaic(parameters['camera'])
            for camera, image in zip(parameters['camera'], parameters['image'], strict=True):
                self._subscriptions.append(self._subscription(camera, image))
        for subscription in self._subscriptions:
            subscription.adapt()

    def _subscription(self, camera: str, image: str) -> ImageSubscription:
        transport = TRANSPORTS[self._node.parameters['image_transport']]
        return ImageSubscription(
            self._node,
            transport.kind,
            transport.topic(image),
            functools.partial(self._on_image, camera),
            group=self._group,
            reliability=self._node.parameters['image_reliability'],
        )

    def _leave(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions = []
        self._grids.clear()
        self._node.health.resolve('view')

    def _check_input(self) -> None:
        """Raise ConfigurationError while there is nothing to draw, or nothing to say about it."""
        cameras = self._node.parameters['camera']
        if self._unknown and self._unknown not in cameras:
            raise ConfigurationError(
                f'embeddings come of camera {self._unknown!r}, but the parameter camera of this '
                f'node is {cameras}. Give it the parameters image, camera and image_transport '
                'that perception has'
            )
        if time.monotonic() - self._heard_s > SILENCE_S:
            topics = ', '.join(
                self._node.resolve_topic_name(image) for image in self._node.parameters['image']
            )
            raise ConfigurationError(
                f'no image comes on {topics}. Give this node the parameters image, camera and '
                'image_transport that perception has'
            )
        self._node.health.resolve('view')

    def _on_image(self, camera: str, message: Any) -> None:
        with self._drawing:
            if not self._subscriptions or not self._is_due(camera, message.header):
                return
            self._heard_s = time.monotonic()
            try:
                picture = self._mosaic.put(camera, self._draw(camera, message))
            except ImageError as error:
                self._node.health.error(f'view {camera}', f'events/image: image left out: {error}')
                return
        if picture is not None:
            self._publisher.publish(to_message(picture, message.header))
            self._node.health.count('images_drawn')

    def _is_due(self, camera: str, header: Header) -> bool:
        rate_hz = self._node.parameters['view_rate_hz']
        grid = self._grids.get(camera)
        if grid is None or grid.rate_hz != rate_hz:
            grid = self._grids[camera] = StampGrid(rate_hz)
        return grid.is_due(to_ns(header.stamp) or self._node.get_clock().now().nanoseconds)

    def _draw(self, camera: str, message: Any) -> np.ndarray:
        parameters = self._node.parameters
        width = parameters['view_width'] // self._mosaic.columns
        # A JPEG may be decoded smaller: three quarters of the width are the height at most.
        read = TRANSPORTS[parameters['image_transport']].read
        picture = read(message, width * 3 // 4)
        with self._lock:
            alerts = [fired for name, fired in self._alerts.values() if name == camera]
            captions = [
                known.copy() if (known := self._captions.get((camera, query))) else Caption(query)
                for query in parameters['queries']
            ]
        return captioned(
            picture,
            captions,
            camera=camera if len(self._mosaic.names) > 1 else '',
            alerts=alerts,
            most_width=width,
        )
