# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0

"""Finds shipped files (models, config) wherever this package was installed.

Three places can hold them: the source tree, the ``share`` folder of a colcon install, and the
``share`` folder that pip fills from the wheel's data files.
"""

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from vljepa_ros.errors import ResourceNotFoundError

PACKAGE = 'vljepa_ros'


def find_resource(relative: str | Path) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        relative: Path from the package's root, such as ``models/tiny`` or
            ``config/perception.yaml``.

    Returns:
        The first existing match: source tree, then colcon install, then pip install.

    Raises:
        ResourceNotFoundError: If no place holds it; the message lists the places.
    """
    places = list(dict.fromkeys(_places()))
    for place in places:
        candidate = place / relative
        if candidate.exists():
            return candidate
    looked = ', '.join(str(place) for place in places)
    raise ResourceNotFoundError(
        f'{PACKAGE} has no file or folder {str(relative)!r}. Looked in: {looked}. Check the '
        f'spelling; after adding files, build or install the package again.'
    )


def resolve_model(name_or_path: str | Path) -> Path:
    """Return the checkpoint folder for a shipped model's name or for a folder.

    Args:
        name_or_path: A shipped model's name (``tiny``), or the path of a checkpoint folder. A
            shipped name wins over a folder of that name; write ``./tiny`` for the folder.

    Returns:
        An existing folder. Whether it holds a valid checkpoint is for the loader to say.

    Raises:
        ResourceNotFoundError: If it is neither; the message lists the shipped names.
    """
    text = str(name_or_path)
    shipped = shipped_models()
    if text in shipped:
        return shipped[text]
    folder = Path(text).expanduser()
    if text and folder.is_dir():
        return folder
    names = ', '.join(sorted(shipped)) or 'none'
    raise ResourceNotFoundError(
        f'No model {text!r}: it is neither a shipped model ({names}) nor an existing folder. '
        f'Give one of these names, or the path of a folder that holds config.json.'
    )


def shipped_models() -> dict[str, Path]:
    """Return the shipped checkpoint folders by name, the first place winning."""
    models: dict[str, Path] = {}
    for place in _places():
        for config in sorted(place.glob('models/*/config.json')):
            models.setdefault(config.parent.name, config.parent)
    return models


def _places() -> Iterator[Path]:
    """Yield the folders that may hold ``models`` and ``config``, the most specific first."""
    package = Path(__file__).absolute().parent
    if (package.parent / 'package.xml').is_file():
        yield package.parent  # the source tree
    # lib/python3.x/site-packages, or Debian's local/lib/python3.x/dist-packages: the depth
    # differs, the share folder is always beside one of the parents.
    for parent in package.parents:
        if (parent / 'share' / PACKAGE).is_dir():
            yield parent / 'share' / PACKAGE
    for prefix in filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)):
        yield Path(prefix) / 'share' / PACKAGE
    yield Path(sysconfig.get_path('data')) / 'share' / PACKAGE
