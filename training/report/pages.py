# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sections of a page that are written from results.

A section begins with the line `<!-- results: NAME -->` and ends with `<!-- end -->`; what stands
between them is the command's, everything else the author's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vljepa_ros.errors import ConfigurationError

NOT_MEASURED = '(not measured yet)'
MARK = re.compile(r'^<!-- results: (\S+) -->$', re.MULTILINE)
SECTION = re.compile(
    r'^(?P<begin><!-- results: (?P<name>\S+) -->\n)'
    r'(?P<body>(?:(?!<!-- ).)*?)'
    r'(?P<end>^<!-- end -->$)',
    re.MULTILINE | re.DOTALL,
)


def empty_section(name: str) -> str:
    """Return a section for a page that is being made."""
    return f'<!-- results: {name} -->\n{NOT_MEASURED}\n<!-- end -->'


def sections(text: str) -> dict[str, str]:
    """Return the name of each section of a page and what stands in it.

    Raises:
        ConfigurationError: a section does not end.
    """
    found = {match['name']: match['body'].rstrip('\n') for match in SECTION.finditer(text)}
    for name in MARK.findall(text):
        if name not in found:
            raise ConfigurationError(
                f'The section <!-- results: {name} --> does not end; put <!-- end --> behind it'
            )
    return found


def filled(text: str, body_of: Callable[[str], str]) -> str:
    """Return the page with `body_of(name)` in each of its sections.

    Raises:
        ConfigurationError: a section does not end.
    """
    sections(text)
    return SECTION.sub(
        lambda match: f'{match["begin"]}{body_of(match["name"])}\n{match["end"]}', text
    )
