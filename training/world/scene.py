# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The MuJoCo model: one description that serves every episode.

Each of the three object slots holds all four kinds, and the pictures hide those an episode does
not use. So one compiled model and one renderer serve all episodes, which saves 0.1 s for each.
"""

from __future__ import annotations

import math

from training.world.geometry import (
    BASE_Y,
    BOWL_FLOOR,
    BOWL_HEIGHT,
    BOWL_RADIUS,
    CABINET_DEPTH,
    CABINET_HEIGHT,
    CABINET_WIDTH,
    FINGER_HALF_THICKNESS,
    FINGER_LENGTH,
    GRIPPER_LENGTH,
    HANDLE_OUT,
    HANDLE_Z,
    KINDS,
    LINK,
    MAX_OBJECTS,
    PALM_HALF_LENGTH,
    SHAPES,
    SHOULDER_Z,
    TABLE_HALF,
)

TEXTURES = ('plain', 'wood', 'speckle', 'checker', 'cloth')


def _geom(kind: str, size: str, pos: str = '0 0 0', **more: str) -> str:
    attributes = ''.join(f' {key}="{value}"' for key, value in more.items())
    return f'<geom type="{kind}" size="{size}" pos="{pos}"{attributes}/>'


def _body(name: str, pos: str, inner: str, *, mocap: bool = False, look: str = '') -> str:
    more = ' mocap="true"' if mocap else ''
    more += f' childclass="{look}"' if look else ''
    return f'<body name="{name}" pos="{pos}"{more}>{inner}</body>'


def _joint(name: str, axis: str, kind: str = 'hinge') -> str:
    return f'<joint name="{name}" type="{kind}" axis="{axis}"/>'


def _object_geoms(kind: str) -> str:
    """Geoms of one kind around its centre; geoms without a material take the object colour."""
    shape = SHAPES[kind]
    half, radius = shape.height / 2, shape.half_width
    if kind == 'cube':
        return _geom('box', f'{radius} {radius} {half}')
    if kind == 'ball':
        return _geom('sphere', f'{radius}')
    if kind == 'can':
        lid = _geom('cylinder', f'{radius - 0.012} 0.0015', f'0 0 {half}', material='metal')
        rim = _geom('cylinder', f'{radius + 0.0008} 0.003', f'0 0 {-half + 0.003}')
        top = _geom('cylinder', f'{radius + 0.0008} 0.003', f'0 0 {half - 0.003}')
        return _geom('cylinder', f'{radius} {half}') + lid + rim + top
    body_top = 0.080 - half
    return (
        _geom('cylinder', f'{radius} 0.040', f'0 0 {0.040 - half}')
        + _geom('ellipsoid', f'{radius} {radius} 0.026', f'0 0 {body_top}')
        + _geom('cylinder', '0.014 0.030', f'0 0 {0.110 - half}')
        + _geom('cylinder', '0.016 0.005', f'0 0 {half - 0.005}', material='cap')
    )


def _bowl(walls: int = 14) -> str:
    inner_radius = BOWL_RADIUS - 0.016
    parts = [_geom('cylinder', f'{inner_radius} {BOWL_FLOOR / 2}', f'0 0 {BOWL_FLOOR / 2}')]
    lean = math.atan2(BOWL_RADIUS - inner_radius, BOWL_HEIGHT)
    middle = (BOWL_RADIUS + inner_radius) / 2
    half_length = BOWL_RADIUS * math.tan(math.pi / walls) + 0.001
    half_height = BOWL_HEIGHT / 2 / math.cos(lean)
    for index in range(walls):
        angle = 2 * math.pi * index / walls
        pos = f'{middle * math.cos(angle)} {middle * math.sin(angle)} {BOWL_HEIGHT / 2}'
        # Intrinsic z then y: turn the wall to its place on the ring, then lean it outwards.
        parts.append(
            _geom('box', f'0.003 {half_length} {half_height}', pos, euler=f'{angle} {lean} 0')
        )
    return ''.join(parts)


def _cabinet() -> str:
    width, depth, height, wall = CABINET_WIDTH / 2, CABINET_DEPTH / 2, CABINET_HEIGHT / 2, 0.004
    lip, side = 0.001, height - 2 * wall  # faces in one plane would flicker
    shell = ''.join(
        (
            _geom('box', f'{width} {depth} {wall}', f'0 {depth} {wall}'),
            _geom('box', f'{width} {depth} {wall}', f'0 {depth} {2 * height - wall}'),
            _geom('box', f'{wall} {depth} {side}', f'{width - wall - lip} {depth} {height}'),
            _geom('box', f'{wall} {depth} {side}', f'{wall + lip - width} {depth} {height}'),
            _geom('box', f'{width - lip} {wall} {side}', f'0 {2 * depth - wall - lip} {height}'),
        )
    )
    inner, panel = width - 0.012, 0.036
    drawer = _joint('drawer', '0 -1 0', 'slide') + ''.join(
        (
            _geom('box', f'{width - 0.010} 0.004 {panel}', '0 -0.002 0.050', material='drawer'),
            _geom(
                'box',
                f'{inner} {depth - 0.008} 0.002',
                f'0 {depth - 0.008} 0.018',
                material='lining',
            ),
            _geom(
                'box',
                f'0.002 {depth - 0.008} 0.024',
                f'{inner} {depth - 0.008} 0.042',
                material='lining',
            ),
            _geom(
                'box',
                f'0.002 {depth - 0.008} 0.024',
                f'{-inner} {depth - 0.008} 0.042',
                material='lining',
            ),
            _geom(
                'box', f'{inner} 0.002 0.024', f'0 {2 * depth - 0.018} 0.042', material='lining'
            ),
            _geom('box', '0.036 0.0055 0.0055', f'0 {-HANDLE_OUT} {HANDLE_Z}', material='handle'),
        )
    )
    for x in (-0.031, 0.031):
        drawer += _geom(
            'box',
            f'0.005 {HANDLE_OUT / 2} 0.005',
            f'{x} {-HANDLE_OUT / 2} {HANDLE_Z}',
            material='handle',
        )
    return shell + _body('drawer', '0 0 0', drawer)


def _arm() -> str:
    finger = _geom(
        'box',
        f'{FINGER_HALF_THICKNESS} 0.009 {FINGER_LENGTH / 2}',
        f'0 0 {FINGER_LENGTH / 2 - GRIPPER_LENGTH}',
        material='finger',
    )
    palm_z = FINGER_LENGTH + 0.012 - GRIPPER_LENGTH
    gripper = (
        _joint('roll', '0 0 1')
        + _geom('box', f'{PALM_HALF_LENGTH} 0.017 0.012', f'0 0 {palm_z}', material='dark')
        + _geom('cylinder', f'0.018 {-palm_z / 2}', f'0 0 {palm_z / 2}', material='arm')
        + _body('left', '0 0 0', _joint('left', '-1 0 0', 'slide') + finger)
        + _body('right', '0 0 0', _joint('right', '1 0 0', 'slide') + finger)
    )
    wrist = (
        _joint('wrist', '0 -1 0')
        + _geom('cylinder', '0.022 0.022', euler='0 0 1.5708', material='joint')
        + _body('gripper', '0 0 0', gripper)
    )
    forearm = (
        _joint('elbow', '0 -1 0')
        + (f'<geom type="capsule" size="0.017" fromto="0 0 0 {LINK} 0 0" material="arm"/>')
        + _geom('cylinder', '0.027 0.027', euler='0 0 1.5708', material='joint')
        + _body('wrist', f'{LINK} 0 0', wrist)
    )
    upper = (
        _joint('shoulder', '0 -1 0')
        + (f'<geom type="capsule" size="0.022" fromto="0 0 0 {LINK} 0 0" material="arm"/>')
        + _geom('cylinder', '0.034 0.036', euler='0 0 1.5708', material='joint')
        + _body('forearm', f'{LINK} 0 0', forearm)
    )
    turret = (
        _joint('base', '0 0 1')
        + _geom('cylinder', '0.042 0.03', '0 0 -0.03', material='arm')
        + _body('upper', '0 0 0', upper)
    )
    column = _geom('cylinder', '0.055 0.06', f'0 {BASE_Y} 0.06', material='dark')
    return column + _body('turret', f'0 {BASE_Y} {SHOULDER_Z}', turret)


def build_mjcf() -> str:
    """Return the MJCF document of the world, all objects included.

    What only costs time is left out: boxes are not subdivided (the lights are directional), and
    the floor begins where the camera can see it, behind the table.
    """
    materials = ''.join(
        f'<material name="{name}" rgba="{rgba}" specular="{specular}" shininess="0.4"/>'
        for name, rgba, specular in (
            ('arm', '.8 .8 .8 1', 0.2), ('joint', '.4 .4 .4 1', 0.2), ('dark', '.2 .2 .2 1', 0.1),
            ('finger', '.15 .15 .15 1', 0.1), ('bowl', '.9 .9 .9 1', 0.2),
            ('cabinet', '.6 .5 .4 1', 0.1), ('drawer', '.7 .6 .5 1', 0.1),
            ('lining', '.9 .9 .85 1', 0.0), ('handle', '.2 .2 .2 1', 0.3),
            ('metal', '.8 .8 .82 1', 0.5), ('cap', '.95 .95 .95 1', 0.2),
            ('floor', '.3 .3 .3 1', 0.0),
        )
    )  # fmt: skip
    tables = ''.join(
        f'<texture name="{name}" type="2d" builtin="flat" width="256" height="256"/>'
        f'<material name="table_{name}" texture="{name}" texrepeat="3 3" specular="0.05"/>'
        for name in TEXTURES
    )
    slots = ''.join(
        _body(f'{kind}{slot}', '0 0 -1', _object_geoms(kind), mocap=True)
        for slot in range(MAX_OBJECTS)
        for kind in KINDS
    )
    table = f'{TABLE_HALF} {TABLE_HALF} 0.1'
    return f"""<mujoco>
<compiler angle="radian" eulerseq="zyx"/>
<statistic extent="0.7" center="0 0 0.05"/>
<visual><quality shadowsize="512" offsamples="0" numquads="1" numslices="16" numstacks="8"/>
<map shadowclip="0.9" znear="0.05" zfar="10"/></visual>
<default><geom contype="0" conaffinity="0" group="0"/>
<default class="bowl"><geom material="bowl"/></default>
<default class="cabinet"><geom material="cabinet"/></default></default>
<asset>{materials}{tables}</asset>
<worldbody>
<light name="key" directional="true" pos="0 0 1.5" dir="0 0 -1" castshadow="true"/>
<light name="fill" directional="true" pos="0 0 1.5" dir="0 0.5 -1" castshadow="false"/>
<geom name="floor" type="plane" size="7 4 .1" pos="0 5 -.6" material="floor"/>
<geom name="table" type="plane" size="{table}" material="table_plain"/>
{_arm()}
{_body('bowl', '-.17 .12 0', _bowl(), look='bowl')}
{_body('cabinet', '.17 .12 0', _cabinet(), look='cabinet')}
{slots}
</worldbody></mujoco>"""
