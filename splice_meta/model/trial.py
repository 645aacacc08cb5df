"""Models tried in a process of their own: run as a file, with nothing of this package imported.

What ends this process (a fault within XGBoost) does not end the one that started it. Models come on
stdin, each behind its size in eight bytes; the last line of stdout says "sound", or what is wrong.
"""

import struct
import sys
from typing import Any

ROWS = 64


def main() -> None:
    """Load each model, predict a few rows, and look at its trees."""
    # XGBoost's wrappers for scikit-learn are not needed, and take most of the time.
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    import numpy as np
    import xgboost

    rng = np.random.default_rng(0)
    data = sys.stdin.buffer.read()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">Q", data, at)
        model = bytearray(data[at + 8 : at + 8 + size])
        at += 8 + size
        try:
            booster = xgboost.Booster({"nthread": 1}, model_file=model)
            _look(booster, rng, np)
        except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
            # The C++ stack is of no use to anybody who gave a wrong file.
            print(" ".join(str(error).split("Stack trace:")[0].split())[:1000])
            return
    print("sound")


def _look(booster: Any, rng: Any, np: Any) -> None:
    count = booster.num_features()
    rows = rng.standard_normal((ROWS, count)) * 10.0 ** rng.integers(-3, 6, (ROWS, 1))
    rows[0], rows[1], rows[2], rows[3] = 0, np.nan, 3e38, -3e38
    found = booster.inplace_predict(rows.astype(np.float32), validate_features=False)
    if len(found) != ROWS or np.isnan(found).any():
        raise ValueError("it predicts no numbers")
    booster.get_score(importance_type="total_gain")
    booster.save_config()


if __name__ == "__main__":
    main()
