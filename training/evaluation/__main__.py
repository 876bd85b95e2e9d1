# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`python -m training.evaluation`, the same as `vljepa eval`."""

import sys

from training.evaluation.command import main
from vljepa_ros.errors import VljepaError

if __name__ == '__main__':
    try:
        sys.exit(main())
    except VljepaError as error:
        sys.exit(f'vljepa eval: {error}')
