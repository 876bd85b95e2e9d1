# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The words of the present events as text in 3D: the topic events/markers."""

from __future__ import annotations

import textwrap

from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from vljepa_ros.interfaces import SemanticEvent
from vljepa_ros.nodes import qos
from vljepa_ros.nodes.lifecycle import ManagedNode
from vljepa_ros.nodes.parameters import Parameter

WRAP = 48  # letters a line
LINE_SPACING = 1.4  # in heights of a letter, from one line to the next
COLOURS = {
    SemanticEvent.DECODER: ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0),
    SemanticEvent.NEAREST: ColorRGBA(r=0.74, g=0.84, b=0.67, a=1.0),
}

# The axes are those of an optical frame, as images have it: x right, y down, z forward.
MARKER_PARAMETERS = (
    Parameter(
        'marker_frame',
        '',
        "Frame of the texts on events/markers; empty is the frame_id of the camera's images.",
    ),
    Parameter(
        'marker_x_m',
        0.0,
        "Place of the text along the frame's x (right, in the optical frame of a camera), in "
        'metres.',
        minimum=-1000.0,
        maximum=1000.0,
    ),
    Parameter(
        'marker_y_m',
        -0.3,
        "Place of the text along the frame's y (down, in the optical frame of a camera), in "
        'metres; other queries stand below it.',
        minimum=-1000.0,
        maximum=1000.0,
    ),
    Parameter(
        'marker_z_m',
        1.0,
        "Place of the text along the frame's z (forward, in the optical frame of a camera), in "
        'metres.',
        minimum=-1000.0,
        maximum=1000.0,
    ),
    Parameter(
        'marker_size_m',
        0.08,
        'Height of a capital letter of the text, in metres.',
        minimum=0.001,
        maximum=100.0,
    ),
)


class EventMarkers:
    """Keeps one text a camera and query where its viewers see it.

    Every message holds all texts that stand now, and all that have gone, so that a viewer needs
    only the last one, whether it starts late or loses some. Only one thread at a time may use it.
    """

    def __init__(self, node: ManagedNode) -> None:
        """Create the publisher.

        Args:
            node: has MARKER_PARAMETERS and queries.
        """
        self._node = node
        self._publisher = node.create_lifecycle_publisher(
            MarkerArray, 'events/markers', qos.MARKERS
        )
        self._events: dict[tuple[str, str], SemanticEvent] = {}
        self._gone: dict[tuple[str, str], SemanticEvent] = {}

    def take(self, event: SemanticEvent, *, is_last: bool) -> None:
        """Show an event in place of the one before it of its camera and query.

        Args:
            event: the event.
            is_last: whether its stream has ended, so that there is nothing to show any more.
        """
        if is_last:
            self._node.health.resolve(f'markers {event.camera}')
        key = (event.camera, event.query)
        shown = self._events.pop(key, None)
        if not is_last and self._has_place(event):
            self._events[key] = event
            self._gone.pop(key, None)
        elif shown is not None:
            self._gone[key] = shown
        else:
            return
        deleted = [self._marker(gone, Marker.DELETE) for gone in self._gone.values()]
        texts = [
            marker
            for camera in sorted({camera for camera, _ in self._events})
            for marker in self._column(camera)
        ]
        self._publisher.publish(MarkerArray(markers=[*deleted, *texts]))

    def _has_place(self, event: SemanticEvent) -> bool:
        trouble = f'markers {event.camera}'
        if self._frame_of(event):
            self._node.health.resolve(trouble)
            return True
        self._node.health.trouble(
            trouble,
            f'The images of camera {event.camera!r} name no frame, so events/markers has no place '
            'for its text. Set frame_id in the camera driver, or the parameter marker_frame here',
        )
        return False

    def _column(self, camera: str) -> list[Marker]:
        """Return the texts of one camera, one below the other."""
        values = self._node.parameters
        size, markers, line = values['marker_size_m'], [], 0
        for event in self._events_of(camera):
            lines = textwrap.wrap(self._words(event), WRAP) or ['']
            marker = self._marker(event, Marker.ADD)
            marker.text = '\n'.join(lines)
            # A viewer centres the text on its place.
            centre = (line + (len(lines) - 1) / 2) * LINE_SPACING * size
            marker.pose.position.x = values['marker_x_m']
            marker.pose.position.y = values['marker_y_m'] + centre
            marker.pose.position.z = values['marker_z_m']
            marker.pose.orientation.w = 1.0
            marker.scale.z = size
            marker.color = COLOURS[event.source]
            marker.frame_locked = True  # it goes along with the robot until it is replaced
            markers.append(marker)
            line += len(lines) + 1
        return markers

    def _events_of(self, camera: str) -> list[SemanticEvent]:
        keys = sorted(key for key in self._events if key[0] == camera)
        return [self._events[key] for key in keys]

    def _frame_of(self, event: SemanticEvent) -> str:
        return str(self._node.parameters['marker_frame'] or event.header.frame_id)

    def _words(self, event: SemanticEvent) -> str:
        alone = len(self._node.parameters['queries']) == 1
        return event.text if alone else f'{event.query}: {event.text}'

    def _marker(self, event: SemanticEvent, action: int) -> Marker:
        """Return the marker of a camera and a query; without a stamp its frame is the latest."""
        return Marker(
            header=Header(frame_id=self._frame_of(event)),
            ns=f'{event.camera}/{event.query}',
            id=0,
            type=Marker.TEXT_VIEW_FACING,
            action=action,
        )
