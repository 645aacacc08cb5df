"""What the process above the local Dask workers imports; the name of the hook is Dask's.

Its stdin is held open by the process that started it, and ends with that, however that ends.
"""

from __future__ import annotations

import os
import shutil
import signal
from threading import Thread
from typing import Any

STDIN = 0
SCRATCH = "SPLICE_META_SCRATCH"
"""The variable that names the folder of the workers' files, the keys of their connection among
them."""


def dask_setup(nanny: Any) -> None:
    """Let the workers end when the process that started them has ended."""
    Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()


def end_with_parent() -> None:
    """Wait for the end of stdin; then end this process and its workers, which are its group."""
    while os.read(STDIN, 1):
        pass
    shutil.rmtree(os.environ[SCRATCH], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
