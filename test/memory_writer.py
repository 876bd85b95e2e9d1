# Copyright 2026 The vljepa_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A process that writes into a memory until it is killed; prints the seconds of each row.

python memory_writer.py FOLDER FIRST
"""

from __future__ import annotations

import sys
import time

from memory_rows import row

from vljepa_ros.memory import memory, upkeep

# Rows go into tables all the time, so that the process is killed while they do.
memory.UPKEEP_PERIOD_S = 0.01
upkeep.ROWS_A_COMMIT = 40


def main() -> None:
    folder, first = sys.argv[1], int(sys.argv[2])
    with memory.Memory(folder) as opened:
        second = first
        while True:
            opened.write(row(second))
            print(second, flush=True)
            second += 1
            time.sleep(0.002)


if __name__ == '__main__':
    main()
