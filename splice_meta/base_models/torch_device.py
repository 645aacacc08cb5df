"""Which device a torch network runs on."""

from __future__ import annotations

from splice_meta.errors import UsageError

CPU_BATCH = 1
"""On a CPU several windows in one call are no faster than one after the other."""
GPU_BATCH = 8


def choose_device(device: str) -> str:
    """The torch device for ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Raises:
        UsageError: If torch knows no such device, or it is not there.
    """
    import torch

    # Shortened products would cost more accuracy than a base model's scores may lose.
    torch.backends.cudnn.allow_tf32 = False
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = ""
    mps = torch.backends.mps.is_available()
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": mps}
    if not there.get(kind, False):
        have = ", ".join(name for name, is_there in there.items() if is_there)
        raise UsageError(f"There is no device {device!r}.", f"Here there is: {have}.")
    return device


def batch_of(device: str) -> int:
    """How many windows go into one call on a device."""
    return CPU_BATCH if device == "cpu" else GPU_BATCH
