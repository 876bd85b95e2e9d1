# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One camera on its way from image messages to clips, with everything that can be wrong in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from std_msgs.msg import Header

from vljepa_ros.errors import ImageError, StreamError
from vljepa_ros.nodes.health import Health
from vljepa_ros.nodes.stamp_check import StampCheck
from vljepa_ros.nodes.stamps import to_ns, to_stamp
from vljepa_ros.nodes.transports import Transport
from vljepa_ros.stream.clip_buffer import Arrival, Clip, ClipBuffer
from vljepa_ros.stream.clip_wait import ClipWait
from vljepa_ros.stream.stamp_grid import StampGrid
from vljepa_ros.stream.stamps import SECOND_NS


@dataclass(frozen=True)
class CameraSample:
    """A clip that is due for the model, with the header of its newest image."""

    camera: str
    header: Header
    clip: Clip


class CameraStream:
    """Collects one camera's images and says when a clip is due.

    Wrong images are reported and left out. Only one thread at a time may call `take`; the rest may
    be used by others meanwhile.
    """

    def __init__(
        self,
        *,
        name: str,
        topic: str,
        transport: Transport,
        buffer: ClipBuffer,
        health: Health,
        now_ns: Callable[[], int],
    ) -> None:
        """Create a stream that has seen nothing.

        Args:
            name: the camera's name.
            topic: its topic, for messages.
            transport: how its images come in.
            buffer: an empty clip buffer.
            health: where everything strange is reported.
            now_ns: the node's clock, for images without a stamp and against foreign stamps.
        """
        self.name = name
        self._topic = topic
        self._transport = transport
        self._buffer = buffer
        self._health = health
        self._now_ns = now_ns
        self._check = StampCheck(name=name, topic=topic, health=health, now_ns=now_ns)
        self._grid = StampGrid(1.0)
        self._wait = ClipWait(buffer.span_ns)
        self._form = ''
        self._header = Header()
        self._lock = threading.Lock()
        self._received_s = time.monotonic()
        self._seen_any = False
        self._said_unstamped = False

    def take(self, message: Any, *, rate_hz: float) -> CameraSample | None:
        """Take the next image.

        Args:
            message: the image, of the transport's type.
            rate_hz: how often a clip is due, in the clock of the stamps.

        Returns:
            The clip that ends at this image, if one is due and the camera has run long enough.
        """
        self._health.count('frames_in')
        with self._lock:
            self._received_s = time.monotonic()
            self._seen_any = True
        self._health.resolve(f'stopped {self.name}', f'Images come in on {self._topic} again')
        header = self._stamped(message.header)
        stamp_ns = to_ns(header.stamp)
        newest_ns = self._buffer.newest_ns
        form = self._transport.form(message)
        try:
            picture = self._transport.read(message, self._buffer.image_size)
            with self._lock:
                arrival = self._buffer.push(stamp_ns, picture)
                if arrival is not Arrival.LATE:
                    self._header = header
        except ImageError as error:
            self._health.count('frames_unusable')
            self._health.error(
                f'image {self.name} {form}', f'{self._topic}: image left out: {error}'
            )
            return None
        self._note_form(form)
        if arrival is Arrival.LATE:
            self._health.count('frames_late')
            return None
        if arrival is Arrival.RESTARTED and newest_ns is not None:
            back_s = (newest_ns - stamp_ns) / SECOND_NS
            self._health.warn(
                f'Time on {self._topic} jumped back by {back_s:.3f} s; the clip starts anew'
            )
        if arrival is not Arrival.REPEATED:
            self._check.note(stamp_ns)
        if self._grid.rate_hz != rate_hz:
            self._grid = StampGrid(rate_hz)
        self._wait.add(stamp_ns)
        is_due = self._grid.is_due(stamp_ns)
        if not is_due and not self._wait.is_too_long:
            return None
        clip = None if arrival is Arrival.REPEATED else self._buffer.clip()
        self._note_clip(clip)
        return CameraSample(self.name, header, clip) if is_due and clip is not None else None

    def watch(self, *, stop_timeout_s: float) -> None:
        """Report a camera that has stopped, or never begun."""
        with self._lock:
            silent_s = time.monotonic() - self._received_s
            seen_any = self._seen_any
        if silent_s <= stop_timeout_s:
            return
        what = 'has stopped: no image' if seen_any else 'has not begun: no image yet'
        self._health.trouble(
            f'stopped {self.name}',
            f'Camera {self.name!r} {what} on {self._topic} for {stop_timeout_s:g} s. Check the '
            f'camera and the topic name (ros2 topic info {self._topic})',
        )

    def close(self) -> None:
        """Take back what is reported as lasting."""
        for trouble in ('stopped', 'no clip'):
            self._health.resolve(f'{trouble} {self.name}')
        self._check.close()

    def view(self, *, stop_timeout_s: float) -> CameraSample:
        """Return the clip that ends at the newest image, due or not.

        Args:
            stop_timeout_s: how old that image may be, in seconds.

        Raises:
            StreamError: there is no such clip.
        """
        if self.silence_s > stop_timeout_s:
            raise StreamError(
                f'Camera {self.name!r} shows nothing now: no image on {self._topic} for '
                f'{stop_timeout_s:g} s'
            )
        with self._lock:
            clip, header = self._buffer.clip(), self._header
        if clip is None:
            raise StreamError(
                f'Camera {self.name!r} shows too little yet: a clip needs images over '
                f'{self._buffer.span_ns / SECOND_NS:.2g} s. Try again'
            )
        return CameraSample(self.name, header, clip)

    @property
    def silence_s(self) -> float:
        """Seconds since the last image, or since the start."""
        with self._lock:
            return time.monotonic() - self._received_s

    def _stamped(self, header: Header) -> Header:
        if to_ns(header.stamp):
            return header
        if not self._said_unstamped:
            self._said_unstamped = True
            self._health.warn(
                f'Images on {self._topic} have no stamp; the time of their arrival is used'
            )
        return Header(stamp=to_stamp(self._now_ns()), frame_id=header.frame_id)

    def _note_clip(self, clip: Clip | None) -> None:
        if clip is not None:
            self._wait.restart()
            self._health.resolve(f'no clip {self.name}', f'{self._topic} gives clips now')
        elif self._wait.is_too_long:
            self._health.trouble(
                f'no clip {self.name}', f'Camera {self.name!r} gives no clip: {self._why_no_clip}'
            )

    @property
    def _why_no_clip(self) -> str:
        wait, topic = self._wait, self._topic
        if wait.stands_still:
            return (
                f'the images on {topic} all have the same stamp now. Its driver must stamp each '
                'image with the time at which it was taken'
            )
        longest_s = self._buffer.longest_interval_s
        span_s = self._buffer.span_ns / SECOND_NS
        jumps = f', and time jumped back {wait.jumps} times' if wait.jumps else ''
        return (
            f'{wait.rate_hz:.1f} images a second come in on {topic}, at most '
            f'{wait.longest_gap_s:.2f} s apart{jumps}. Needed are images at most '
            f'{longest_s:.2g} s apart ({1 / longest_s:.2g} a second or more) for {span_s:.2g} s '
            'on end. Set a higher rate in the camera, or find what loses images (ros2 topic hz '
            f'{topic}); play no recording that is shorter than this'
        )

    def _note_form(self, form: str) -> None:
        if self._form not in ('', form):
            self._health.warn(f'Images on {self._topic} changed from {self._form} to {form}')
        self._form = form
