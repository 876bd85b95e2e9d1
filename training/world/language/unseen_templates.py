# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences about actions that only the split `paraphrase` uses; slots as in `templates`.

Each holds at least one word that no seen text has.
"""

from __future__ import annotations

_SIDE = (
    'The machine deposits the {o} to the {s} of the {r}.',
    '{ao} is positioned {s} of the {r} by the droid.',
    'The manipulator parks the {o} adjacent to the {r}, on its {s}.',
    'The claw leaves the {o} {s} of the {r}.',
    'The {o} gets deposited on the {s} side of the {r}.',
    'position {o} to the {s} of {r}',
    'depositing {ao} {s} of {ar}',
)
_FROM = (
    'The machine retrieves the {o} from the {t}.',
    '{ao} is withdrawn from the {t} by the droid.',
    'The manipulator extracts the {o} from the {t}.',
    'The claw fetches the {o} from the {t}.',
    'The {o} gets retrieved from the {t}.',
    'retrieve {o} from {t}',
    'retrieving {ao} from {at}',
)

UNSEEN: dict[str, tuple[str, ...]] = {
    'idle': (
        'The machine is motionless.',
        'The robot remains inactive.',
        'The manipulator pauses.',
        'The mechanical arm is dormant.',
        'The scene is static.',
        'inactivity',
    ),
    'pick up': (
        'The machine grabs the {o}.',
        '{ao} is hoisted by the manipulator.',
        'The claw snatches the {o}.',
        'The droid collects the {o}.',
        'The {o} gets seized and elevated.',
        'grab {o}',
        'grabbing {ao}',
    ),
    'put in': (
        'The machine deposits the {o} in the {t}.',
        '{ao} is inserted into the {t} by the droid.',
        'The manipulator stows the {o} in the {t}.',
        'The claw transfers the {o} into the {t}.',
        'The {o} gets positioned within the {t}.',
        'deposit {o} in {t}',
        'depositing {ao} within {at}',
    ),
    'put on': (
        'The machine deposits the {o} on the {t}.',
        '{ao} is positioned upon the {t} by the droid.',
        'The manipulator parks the {o} on the {t}.',
        'The claw transfers the {o} onto the {t}.',
        'The {o} gets deposited upon the {t}.',
        'deposit {o} on {t}',
        'depositing {ao} upon {at}',
    ),
    'put left of': _SIDE,
    'put right of': _SIDE,
    'push': (
        'The machine nudges the {o} {d}.',
        '{ao} is propelled {d} by the droid.',
        'The manipulator shifts the {o} {d}.',
        'The claw thrusts the {o} {d}.',
        'The {o} gets nudged {d}.',
        'nudge {o} {d}',
        'nudging {ao} {d}',
    ),
    'open': (
        'The machine tugs the {t} open.',
        'The {t} is extended by the droid.',
        'The manipulator draws the {t} outward.',
        'The claw yanks the {t} open.',
        'The {t} gets tugged open.',
        'tug {t} open',
        'tugging {at} open',
    ),
    'close': (
        'The machine seals the {t}.',
        'The {t} is retracted by the droid.',
        'The manipulator slams the {t}.',
        'The claw thrusts the {t} shut.',
        'The {t} gets sealed.',
        'seal {t}',
        'sealing {at}',
    ),
    'stack': (
        'The machine piles the {o} upon the {r}.',
        '{ao} is mounted atop the {r} by the droid.',
        'The manipulator perches the {o} on the {r}.',
        'The claw balances the {o} on top of the {r}.',
        'The {o} gets piled on the {r}.',
        'pile {o} upon {r}',
        'piling {ao} atop {ar}',
    ),
    'take out': _FROM,
    'take off': _FROM,
    'pour': (
        'The machine decants the {o} into the {x}.',
        '{ao} is drained into the {x} by the droid.',
        'The manipulator dumps the contents of the {o} into the {x}.',
        'The claw discharges the {o} into the {x}.',
        'The {o} gets decanted into the {x}.',
        'decant {o} into {x}',
        'decanting {ao} into {ax}',
    ),
    'pour out': (
        'The machine decants the {o}.',
        '{ao} is drained by the droid.',
        'The manipulator dumps the contents of the {o}.',
        'The claw discharges the {o}.',
        'The {o} gets decanted.',
        'decant {o}',
        'decanting {ao}',
    ),
    'knock over': (
        'The machine topples the {o}.',
        '{ao} is overturned by the droid.',
        'The manipulator upsets the {o}.',
        'The claw flips the {o} over.',
        'The {o} gets toppled.',
        'topple {o}',
        'toppling {ao}',
    ),
    'set upright': (
        'The machine erects the {o}.',
        '{ao} is restored to vertical by the droid.',
        'The manipulator rights the {o}.',
        'The claw flips the {o} upright.',
        'The {o} gets erected again.',
        'erect {o}',
        'erecting {ao}',
    ),
}  # fmt: skip
