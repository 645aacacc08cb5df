"""Memory that several threads share."""

from __future__ import annotations

from threading import Condition


class Budget:
    """Bytes that are taken before memory is used, and given back.

    Args:
        size: How many there are. Who takes more than that waits until nobody has any.
    """

    def __init__(self, size: int) -> None:
        self._size, self._taken = size, 0
        self._changed = Condition()

    def take(self, share: int, is_patient: bool) -> bool:
        """Take some, if they are there.

        Args:
            share: How many.
            is_patient: Wait for them. Only who has none may wait: others may wait for those.

        Returns:
            Whether they are taken.
        """
        with self._changed:
            if is_patient:
                self._changed.wait_for(lambda: self._fits(share))
            elif not self._fits(share):
                return False
            self._taken += share
            return True

    def give_back(self, share: int) -> None:
        """Let others take them."""
        with self._changed:
            self._taken -= share
            self._changed.notify_all()

    def _fits(self, share: int) -> bool:
        return not self._taken or self._taken + share <= self._size
