# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""recorder: keeps the seconds around events as clips that every tool for ROS 2 bags opens."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builtin_interfaces.msg import Time
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from vljepa_ros.errors import ImageError
from vljepa_ros.interfaces import Alert, Embedding, SemanticEvent
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.image_records import ImageRecords
from vljepa_ros.nodes.image_subscription import ImageSubscription
from vljepa_ros.nodes.lifecycle import ManagedNode, take_waiting
from vljepa_ros.nodes.recorder_parameters import PARAMETERS
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.stamps import to_ns
from vljepa_ros.nodes.transports import TRANSPORTS
from vljepa_ros.recordings.ring import Record, Topic
from vljepa_ros.stream.stamps import SECOND_NS

if TYPE_CHECKING:
    from vljepa_ros.recordings.clip_folder import ClipFolder
    from vljepa_ros.recordings.clip_recorder import ClipRecorder

TICK_S = 0.5
# Between what the camera's clock and this machine's say, more is a clock that is set differently.
LONGEST_AGE_S = 60.0
# Who starts later must not take the events before for new ones.
NEW_EVENTS = QoSProfile(depth=qos.EVENTS.depth, reliability=ReliabilityPolicy.RELIABLE)


class RecorderNode(ManagedNode):
    """Subscribes to images, embeddings, events and alerts; writes clips."""

    def __init__(self, **options: Any) -> None:
        """Create the node; options are passed to `rclpy.node.Node`."""
        super().__init__(
            'recorder',
            PARAMETERS,
            ('images_in', 'images_unusable', 'events_in', 'alerts_in', 'clips'),
            **options,
        )
        self._group = MutuallyExclusiveCallbackGroup()
        self._lock = threading.Lock()
        self._folder: ClipFolder | None = None
        self._recorder: ClipRecorder | None = None
        self._images: list[ImageSubscription] = []
        self._inputs: list[tuple[Subscription, Any]] = []
        self._ticker: Timer | None = None
        self._lost = 0
        self.health.probe('clips_mb', self._clips_mb)

    def configure(self) -> None:
        """Open the folder of the clips; complete what a crash has left there."""
        from vljepa_ros.recordings.clip_folder import ClipFolder  # needs rosbags

        self._folder = ClipFolder(
            Path(self.parameters['clip_folder']).expanduser(),
            quota_bytes=self.parameters['quota_mb'] * 1_000_000,
            say=lambda sentence: self.get_logger().info(sentence),
        )

    def cleanup(self) -> None:
        """Leave the folder to others."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def activate(self) -> None:
        """Subscribe."""
        from vljepa_ros.recordings.clip_config import MEGABYTE, ClipConfig
        from vljepa_ros.recordings.clip_recorder import ClipRecorder

        assert self._folder is not None
        parameters = self.parameters
        self._recorder = ClipRecorder(
            self._folder,
            ClipConfig(
                before_s=parameters['before_s'],
                after_s=parameters['after_s'],
                max_clip_s=parameters['max_clip_s'],
                buffer_bytes=parameters['buffer_mb'] * MEGABYTE,
            ),
            on_clip=self._on_clip,
            on_problem=lambda sentence: self.health.trouble('clips', sentence),
        )
        self._lost = 0
        for image in parameters['image']:
            self._images.append(self._subscribe_to(image))
        self._inputs = [
            self._input(Embedding, 'embedding', self._on_embedding, qos.EMBEDDING),
            self._input(SemanticEvent, 'events', self._on_event, NEW_EVENTS),
            self._input(Alert, 'alerts', self._on_alert, NEW_EVENTS),
        ]
        self._ticker = self.create_timer(
            TICK_S,
            self._tick,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def deactivate(self) -> None:
        """Take the last events and complete the open clip."""
        if self._ticker is not None:
            self.destroy_timer(self._ticker)
            self._ticker = None
        with self._lock:  # a callback may be running in another thread
            for subscription in self._images:
                subscription.close()
            self._images = []
        for inlet, take in self._inputs:
            for message in take_waiting(inlet):
                take(message)
            self.destroy_subscription(inlet)
        with self._lock:
            recorder, self._recorder = self._recorder, None
            self._inputs = []
        if recorder is not None:
            recorder.close()
        self.health.resolve('clips')
        self.health.resolve('buffer')

    def _input(self, kind: Any, topic: str, take: Any, profile: QoSProfile) -> Any:
        inlet = self.create_subscription(kind, topic, take, profile, callback_group=self._group)
        return inlet, take

    def _subscribe_to(self, image: str) -> ImageSubscription:
        parameters = self.parameters
        transport = TRANSPORTS[parameters['image_transport']]
        topic = transport.topic(image)
        records = ImageRecords(
            self.resolve_topic_name(topic),
            transport.kind,
            rate_hz=parameters['image_rate_hz'],
            image_format=parameters['image_format'],
        )
        return ImageSubscription(
            self,
            transport.kind,
            topic,
            functools.partial(self._on_image, records),
            group=self._group,
            reliability=parameters['image_reliability'],
        )

    def _on_image(self, records: ImageRecords, message: Any) -> None:
        self.health.count('images_in')
        try:
            record = records.record(
                message,
                self.get_clock().now().nanoseconds,
                jpeg_quality=self.parameters['jpeg_quality'],
            )
        except ImageError as error:
            name = records.topic.name
            self.health.count('images_unusable')
            self.health.error(f'image {name}', f'{name}: image left out: {error}')
            return
        if record is not None:
            self._add(record)

    def _on_embedding(self, message: Embedding) -> None:
        topic = Topic(self.resolve_topic_name('embedding'), 'vljepa_ros/msg/Embedding')
        self._add(Record(topic, self.get_clock().now().nanoseconds, serialize_message(message)))

    def _add(self, record: Record) -> None:
        with self._lock:
            if self._recorder is not None:
                self._recorder.add(record)

    def _on_event(self, message: SemanticEvent) -> None:
        self.health.count('events_in')
        has_ended = message.phase == SemanticEvent.ENDED
        self._take(
            message,
            Topic(self.resolve_topic_name('events'), 'vljepa_ros/msg/SemanticEvent', latched=True),
            moment=message.end if has_ended else message.start,
            has_ended=has_ended,
            begins_clip=self.parameters['clip_on'] != 'alerts',
        )

    def _on_alert(self, message: Alert) -> None:
        self.health.count('alerts_in')
        self._take(
            message,
            Topic(self.resolve_topic_name('alerts'), 'vljepa_ros/msg/Alert', latched=True),
            moment=message.since,
            has_ended=message.phase == Alert.CLEARED,
            begins_clip=self.parameters['clip_on'] != 'events',
        )

    def _take(
        self, message: Any, topic: Topic, *, moment: Time, has_ended: bool, begins_clip: bool
    ) -> None:
        """Take the beginning or the end of what has an id and a moment."""
        now_ns = self.get_clock().now().nanoseconds
        record = Record(topic, now_ns, serialize_message(message))
        newest_ns = to_ns(message.header.stamp)
        age_s = _age_s(to_ns(moment), newest_ns=newest_ns, now_ns=now_ns)
        with self._lock:
            if self._recorder is None:
                return
            if not begins_clip:
                self._recorder.add(record)
            elif has_ended:
                self._recorder.ended(message.id, record, age_s=age_s)
            else:
                self._recorder.started(message.id, record, age_s=age_s)

    def _tick(self) -> None:
        with self._lock:
            recorder = self._recorder
            if recorder is None:
                return
            for subscription in self._images:
                subscription.adapt()
            recorder.tick(self.get_clock().now().nanoseconds)
        if recorder.ring_cut_short:
            self.health.trouble(
                'buffer',
                f'The images of {self.parameters["before_s"]:g} s do not fit the memory for them. '
                'Give a higher buffer_mb, or a lower image_rate_hz or before_s',
            )
        else:
            self.health.resolve('buffer', 'The images before an event fit the memory again')
        lost = recorder.counts.lost - self._lost
        if lost:
            self._lost += lost
            self.health.error(
                'lost',
                f'{lost} messages are missing in a clip: the disk does not take them as fast as '
                'they come. Lower image_rate_hz, or give a faster disk',
            )

    def _on_clip(self, path: Path) -> None:
        self.health.count('clips')
        self.health.resolve('clips', 'Clips can be written again')
        self.get_logger().info(f'Clip: {path}')

    def _clips_mb(self) -> str:
        return '' if self._folder is None else f'{self._folder.used_bytes / 1e6:.1f}'


def _age_s(moment_ns: int, *, newest_ns: int, now_ns: int) -> float:
    """Return how long ago a moment of a camera's clock was, in seconds.

    Args:
        moment_ns: the moment.
        newest_ns: stamp of the newest image when it was published.
        now_ns: the node's clock, which may have nothing to do with the camera's.
    """
    age_s = (now_ns - moment_ns) / SECOND_NS
    return age_s if 0.0 <= age_s < LONGEST_AGE_S else (newest_ns - moment_ns) / SECOND_NS


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal."""
    run(lambda: [RecorderNode()], args=args)


if __name__ == '__main__':
    main()
