# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera driver without a camera: publishes moving pictures of any size at any rate.

    python -m benchmarks.camera_source --topic /front/image_raw --topic /rear/image_raw \
        --size 640x480 --rate 15 --count 300 --report OUT.json

Pictures are made before the first is published, so that publishing is all that it does then.
Several cameras are out of step, as those of a robot are.
"""

from __future__ import annotations

import argparse
import array
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from vljepa_ros.nodes import qos
from vljepa_ros.nodes.images import to_message
from vljepa_ros.nodes.stamps import to_stamp

PICTURES = 13  # no rate of a camera is a multiple of it, so no clip shows one picture only
JPEG_QUALITY = 80
FLUSH_S = 0.5


def pictures(width: int, height: int) -> list[np.ndarray]:
    """Return a landscape that passes by, RGB uint8 [H, W, 3] each; the last leads to the first."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    landscape = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(int)
    landscape += rng.integers(-12, 13, landscape.shape)  # the noise of a sensor
    still = landscape.clip(0, 255).astype(np.uint8)
    return [np.roll(still, width * index // PICTURES, axis=1) for index in range(PICTURES)]


def messages(width: int, height: int, transport: str) -> list[Any]:
    """Return the pictures as messages, raw (rgb8) or compressed (JPEG)."""
    images = pictures(width, height)
    if transport == 'raw':
        return [to_message(image, Header()) for image in images]
    return [_jpeg(image) for image in images]


def _jpeg(image: np.ndarray) -> CompressedImage:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return CompressedImage(
        format='rgb8; jpeg compressed bgr8', data=array.array('B', data.tobytes())
    )


class CameraSource:
    """Publishes on some topics in turns.

    Attributes:
        stamps_ns: of all images that were published, by topic.
        skipped: images that were due while the machine was too busy to publish them.
    """

    def __init__(self, node: Node, topics: Sequence[str], images: Sequence[Any]) -> None:
        """Create the publishers."""
        kind = type(images[0])
        suffix = '/compressed' if kind is CompressedImage else ''
        self._publishers = {
            topic: node.create_publisher(kind, topic + suffix, qos.IMAGE_OUTPUT)
            for topic in topics
        }
        self._images = images
        self.stamps_ns: dict[str, list[int]] = {topic: [] for topic in topics}
        self.skipped = 0

    def wait_for_subscribers(self, timeout_s: float) -> bool:
        """Wait until somebody listens to every topic; return whether somebody does."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            if all(item.get_subscription_count() for item in self._publishers.values()):
                return True
            time.sleep(0.02)
        return False

    def publish(self, *, rate_hz: float, count: int) -> None:
        """Publish images in real time.

        Args:
            rate_hz: of each topic.
            count: images of each topic, those that are skipped included.
        """
        topics = list(self._publishers)
        start_s = time.monotonic()
        for number in range(count * len(topics)):
            due_s = start_s + number / (rate_hz * len(topics))
            time.sleep(max(0.0, due_s - time.monotonic()))
            if time.monotonic() - due_s > 1.0 / rate_hz:
                self.skipped += 1  # a camera does not make up for what it has missed
                continue
            index, camera = divmod(number, len(topics))
            # Each camera is at another place of the landscape.
            message = self._images[(index + 4 * camera) % len(self._images)]
            stamp_ns = time.time_ns()
            message.header = Header(stamp=to_stamp(stamp_ns), frame_id=topics[camera])
            self._publishers[topics[camera]].publish(message)
            self.stamps_ns[topics[camera]].append(stamp_ns)

    def report(self) -> dict[str, Any]:
        """Return how many images were published when."""
        return {
            'sent': {topic: len(stamps) for topic, stamps in self.stamps_ns.items()},
            'first_stamp_ns': min(stamps[0] for stamps in self.stamps_ns.values() if stamps),
            'last_stamp_ns': max(stamps[-1] for stamps in self.stamps_ns.values() if stamps),
            'skipped': self.skipped,
        }


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition('x')
    return int(width), int(height)


def main() -> int:
    """Publish until all is published or Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--topic', action='append', required=True, help='one for each camera')
    parser.add_argument('--size', type=_size, default=(640, 480), help='as 640x480')
    parser.add_argument('--rate', type=float, default=30.0, help='images a second of each topic')
    parser.add_argument('--count', type=int, required=True, help='images of each topic')
    parser.add_argument('--transport', choices=('raw', 'compressed'), default='raw')
    parser.add_argument(
        '--wait', type=float, default=60.0, metavar='S', help='for subscribers; 0 starts at once'
    )
    parser.add_argument('--report', type=Path, help='JSON file: what was published')
    options = parser.parse_args()
    width, height = options.size
    images = messages(width, height, options.transport)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node('camera_source')
    source = CameraSource(node, options.topic, images)
    try:
        if options.wait and not source.wait_for_subscribers(options.wait):
            print(f'Nobody listens to all of {options.topic}', file=sys.stderr)
            return 1
        source.publish(rate_hz=options.rate, count=options.count)
        time.sleep(FLUSH_S)  # the last ones leave in threads of their own
    except KeyboardInterrupt:
        pass
    finally:
        if options.report is not None and any(source.stamps_ns.values()):
            options.report.write_text(json.dumps(source.report()), encoding='utf-8')
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
