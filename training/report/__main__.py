# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes every section of results in README.md, docs/*.md and models/*/card.md.

    python -m training.report
    python -m training.report --check      # changes nothing; fails if a page would change

The numbers come from benchmarks/results/*.json, which the commands of the evaluation, of the
comparisons and of the benchmarks write with --json.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.report.sections import RESULTS, changed_pages, draw_plots
from vljepa_ros.errors import VljepaError


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages; with --check return 1 if one is not what would be written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--results', type=Path, default=RESULTS, help='folder of the JSON files')
    parser.add_argument('--check', action='store_true', help='write nothing')
    options = parser.parse_args(argv)
    changed = changed_pages(options.results)
    for page, text in changed.items():
        if options.check:
            print(f'{page} does not hold the numbers of {options.results}')
        else:
            page.write_text(text, encoding='utf-8')
            print(f'{page} written')
    if options.check:
        return int(bool(changed))
    draw_plots(options.results)
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'error: {error}')
