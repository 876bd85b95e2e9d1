# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small pieces of MJCF text, MuJoCo's model format."""

from __future__ import annotations


def geom(kind: str, size: str, pos: str = '0 0 0', **more: str) -> str:
    """Return a geom of a primitive kind; `more` are further attributes."""
    attributes = ''.join(f' {key}="{value}"' for key, value in more.items())
    return f'<geom type="{kind}" size="{size}" pos="{pos}"{attributes}/>'


def mesh_geom(mesh: str, pos: str = '0 0 0', **more: str) -> str:
    """Return a geom that shows the mesh of this name."""
    attributes = ''.join(f' {key}="{value}"' for key, value in more.items())
    return f'<geom type="mesh" mesh="{mesh}" pos="{pos}"{attributes}/>'


def body(name: str, pos: str, inner: str, *, mocap: bool = False, look: str = '') -> str:
    """Return a body; `look` names the default class of its geoms."""
    more = ' mocap="true"' if mocap else ''
    more += f' childclass="{look}"' if look else ''
    return f'<body name="{name}" pos="{pos}"{more}>{inner}</body>'


def joint(name: str, axis: str, kind: str = 'hinge') -> str:
    """Return a joint."""
    return f'<joint name="{name}" type="{kind}" axis="{axis}"/>'
