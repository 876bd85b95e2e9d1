# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The MuJoCo model: one description that serves every episode.

It holds all furniture, and all kinds in each of the object slots; the pictures hide what an
episode does not use. So one compiled model and one renderer serve all episodes.
"""

from __future__ import annotations

from training.world.furniture import furniture_bodies, furniture_meshes
from training.world.geometry import (
    BASE_Y,
    FINGER_HALF_THICKNESS,
    FINGER_LENGTH,
    GRIPPER_LENGTH,
    LINK,
    PALM_HALF_LENGTH,
    SHOULDER_Z,
    TABLE_HALF,
)
from training.world.mjcf import body, geom, joint
from training.world.shapes import TONES, object_geoms, object_meshes
from training.world.symbols import FURNITURE, KINDS, MAX_OBJECTS
from training.world.textures import SIZE, TEXTURES

# Painted anew in each episode: specular reflection of each material.
_PAINTED = {
    'arm': 0.2, 'joint': 0.2, 'dark': 0.1, 'finger': 0.1, 'floor': 0.0, 'drawer_front': 0.1,
    'drawer_handle': 0.3,
    **{f'{name}_{part}': 0.1 for name in FURNITURE for part in ('main', 'second')},
    **dict.fromkeys(TONES, 0.25),
}  # fmt: skip
# Parts of objects that look the same in every colour.
_FIXED = {
    'metal': ('.62 .62 .64', 0.5), 'stem': ('.25 .19 .13', 0.0), 'flesh': ('.78 .72 .62', 0.0),
    'tape': ('.66 .60 .50', 0.1),
}  # fmt: skip


def _arm() -> str:
    finger = geom(
        'box',
        f'{FINGER_HALF_THICKNESS} 0.0075 {FINGER_LENGTH / 2}',
        f'0 0 {FINGER_LENGTH / 2 - GRIPPER_LENGTH}',
        material='finger',
    )
    palm_z = FINGER_LENGTH + 0.012 - GRIPPER_LENGTH
    gripper = (
        joint('roll', '0 0 1')
        + geom('box', f'{PALM_HALF_LENGTH} 0.017 0.012', f'0 0 {palm_z}', material='dark')
        + geom('cylinder', f'0.018 {-palm_z / 2}', f'0 0 {palm_z / 2}', material='arm')
        + body('left', '0 0 0', joint('left', '-1 0 0', 'slide') + finger)
        + body('right', '0 0 0', joint('right', '1 0 0', 'slide') + finger)
    )
    wrist = (
        joint('wrist', '0 -1 0')
        + geom('cylinder', '0.022 0.022', euler='0 0 1.5708', material='joint')
        + body('gripper', '0 0 0', gripper)
    )
    forearm = (
        joint('elbow', '0 -1 0')
        + (f'<geom type="capsule" size="0.017" fromto="0 0 0 {LINK} 0 0" material="arm"/>')
        + geom('cylinder', '0.027 0.027', euler='0 0 1.5708', material='joint')
        + body('wrist', f'{LINK} 0 0', wrist)
    )
    upper = (
        joint('shoulder', '0 -1 0')
        + (f'<geom type="capsule" size="0.022" fromto="0 0 0 {LINK} 0 0" material="arm"/>')
        + geom('cylinder', '0.034 0.036', euler='0 0 1.5708', material='joint')
        + body('forearm', f'{LINK} 0 0', forearm)
    )
    turret = (
        joint('base', '0 0 1')
        + geom('cylinder', '0.042 0.03', '0 0 -0.03', material='arm')
        + body('upper', '0 0 0', upper)
    )
    column = geom('cylinder', '0.055 0.06', f'0 {BASE_Y} 0.06', material='dark')
    return column + body('turret', f'0 {BASE_Y} {SHOULDER_Z}', turret)


def _materials() -> str:
    painted = [(name, '.5 .5 .5', specular) for name, specular in _PAINTED.items()]
    fixed = [(name, rgb, specular) for name, (rgb, specular) in _FIXED.items()]
    return ''.join(
        f'<material name="{name}" rgba="{rgb} 1" specular="{specular}" shininess="0.4"/>'
        for name, rgb, specular in painted + fixed
    )


def build_mjcf() -> str:
    """Return the MJCF document of the world, all furniture and objects included.

    What only costs time is left out: the lights are directional, so nothing is subdivided, and
    the floor begins where the camera can see it, behind the table.
    """
    tables = ''.join(
        f'<texture name="{name}" type="2d" builtin="flat" width="{SIZE}" height="{SIZE}"/>'
        f'<material name="table_{name}" texture="{name}" texrepeat="3 3" specular="0.05"/>'
        for name in TEXTURES
    )
    meshes = ''.join(
        mesh.xml(name) for name, mesh in {**object_meshes(), **furniture_meshes()}.items()
    )
    slots = ''.join(
        body(f'{kind}{slot}', '0 0 -1', object_geoms(kind), mocap=True)
        for slot in range(MAX_OBJECTS)
        for kind in KINDS
    )
    table = f'{TABLE_HALF} {TABLE_HALF} 0.1'
    return f"""<mujoco>
<compiler angle="radian" eulerseq="zyx"/>
<statistic extent="0.7" center="0 0 0.05"/>
<visual><quality shadowsize="512" offsamples="0" numquads="1" numslices="16" numstacks="8"/>
<map shadowclip="0.9" znear="0.05" zfar="10"/></visual>
<default><geom contype="0" conaffinity="0" group="0"/></default>
<asset>{_materials()}{tables}{meshes}</asset>
<worldbody>
<light name="key" directional="true" pos="0 0 1.5" dir="0 0 -1" castshadow="true"/>
<light name="fill" directional="true" pos="0 0 1.5" dir="0 0.5 -1" castshadow="false"/>
<geom name="floor" type="plane" size="7 4 .1" pos="0 5 -.6" material="floor"/>
<geom name="table" type="plane" size="{table}" material="table_plain"/>
{_arm()}
{furniture_bodies()}
{slots}
</worldbody></mujoco>"""
