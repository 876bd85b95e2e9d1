# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""camera: plays a video file or a folder of images as a camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from vljepa_ros.errors import ConfigurationError
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.camera_player import Player
from vljepa_ros.nodes.images import to_message
from vljepa_ros.nodes.lifecycle import AUTOSTART, ManagedNode
from vljepa_ros.nodes.parameters import Change, Parameter
from vljepa_ros.nodes.runner import run
from vljepa_ros.nodes.stamps import to_stamp
from vljepa_ros.stream.stamps import SECOND_NS
from vljepa_ros.stream.video_source import Frame, VideoSource

PARAMETERS = (
    AUTOSTART,
    Parameter(
        'video',
        '',
        'The video file or the folder of images to play.',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'rate_hz',
        0.0,
        "Images a second; 0 takes the video's own rate, 30 for a folder. The video keeps its "
        'speed.',
        minimum=0.0,
        maximum=240.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter('loop', True, 'Start again at the end.', change=Change.UNCONFIGURED),
    Parameter(
        'frame_id',
        'camera_optical_frame',
        'The frame_id of the headers (z forward, x right, y down).',
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'horizontal_fov_deg',
        60.0,
        'Horizontal field of view for camera_info, in degrees.',
        minimum=1.0,
        maximum=179.0,
        change=Change.UNCONFIGURED,
    ),
    Parameter(
        'wait_for_subscriber',
        True,
        'Begin when the first one subscribes to the images or to camera_info.',
    ),
    Parameter('exit_at_end', False, 'End the process when the video has ended.'),
)


class CameraNode(ManagedNode):
    """Publishes `image_raw` and `camera_info`."""

    def __init__(self, **options: Any) -> None:
        """Create the node; options are passed to `rclpy.node.Node`."""
        super().__init__('camera', PARAMETERS, ('frames_out', 'frames_left_out'), **options)
        self._images = self.create_lifecycle_publisher(Image, 'image_raw', qos.IMAGE_OUTPUT)
        self._infos = self.create_lifecycle_publisher(CameraInfo, 'camera_info', qos.IMAGE_OUTPUT)
        self._source: VideoSource | None = None
        self._player: Player | None = None

    def configure(self) -> None:
        """Open the video."""
        video = self.parameters['video']
        if not video:
            raise ConfigurationError(
                "The parameter 'video' is empty; give the path of a video file or of a folder of "
                'images'
            )
        self._source = VideoSource(
            video, rate_hz=self.parameters['rate_hz'], loop=self.parameters['loop']
        )
        self.get_logger().info(f'{video} at {self._source.rate_hz:g} Hz')

    def cleanup(self) -> None:
        """Close the video."""
        self._source = None

    def activate(self) -> None:
        """Play from the beginning."""
        assert self._source is not None
        if not self._has_audience():
            self.get_logger().info(f'Waiting for a subscriber of {self._images.topic_name}')
        self._player = Player(
            self._source,
            clock=self.get_clock(),
            show=self._show,
            is_ready=self._has_audience,
            on_end=self._on_end,
        )

    def deactivate(self) -> None:
        """Stop playing."""
        if self._player is not None:
            self._player.stop()
            self._player = None

    def _has_audience(self) -> bool:
        if not self.parameters['wait_for_subscriber']:
            return True
        publishers = (self._images, self._infos)
        return any(publisher.get_subscription_count() > 0 for publisher in publishers)

    def _show(self, frame: Frame, stamp_ns: int) -> None:
        start_ns = stamp_ns - round(frame.time_s * SECOND_NS)
        self.health.state({'first_stamp_ns': str(start_ns)})
        header = Header(stamp=to_stamp(stamp_ns), frame_id=self.parameters['frame_id'])
        height, width = frame.image.shape[:2]
        self._images.publish(to_message(frame.image, header))
        self._infos.publish(
            camera_info(
                header,
                width=width,
                height=height,
                horizontal_fov_deg=self.parameters['horizontal_fov_deg'],
            )
        )
        self.health.count('frames_out')

    def _on_end(self, error: Exception | None, left_out: int) -> None:
        self.health.count('frames_left_out', left_out)
        if error is not None:
            self.health.error('video', f'{self.parameters["video"]} ended early: {error}')
        self.get_logger().info('The video has ended')
        if self.parameters['exit_at_end']:
            self.request_exit()


def camera_info(
    header: Header, *, width: int, height: int, horizontal_fov_deg: float
) -> CameraInfo:
    """Return the model of an ideal pinhole camera with square pixels.

    Args:
        header: that of the image.
        width: image width in pixels.
        height: image height in pixels.
        horizontal_fov_deg: angle between the left and the right edge in degrees, below 180.
    """
    focal = width / 2.0 / math.tan(math.radians(horizontal_fov_deg) / 2.0)
    centre_x, centre_y = (width - 1) / 2.0, (height - 1) / 2.0
    return CameraInfo(
        header=header,
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[focal, 0.0, centre_x, 0.0, focal, centre_y, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal, 0.0, centre_x, 0.0, 0.0, focal, centre_y, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the node until a signal, or until the video has ended if so asked."""
    run(lambda: [CameraNode()], args=args)


if __name__ == '__main__':
    main()
