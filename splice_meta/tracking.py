"""Logging runs and trainings with MLflow: settings, figures and the small files.

Needs ``pip install 'splice_meta[mlflow]'``. The experiment is called ``splice_meta``, or what the
environment variable ``MLFLOW_EXPERIMENT_NAME`` says.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splice_meta.errors import UsageError

if TYPE_CHECKING:
    from splice_meta.model.bundle import MetaModel
    from splice_meta.report.finish import RunResult
    from splice_meta.settings import TrainSettings

log = logging.getLogger("splice_meta")

EXPERIMENT = "splice_meta"

_LARGEST = 64 << 20
"""Bytes of a file that is logged; tables of predictions stay where they are."""


@dataclass(frozen=True)
class Tracker:
    """An MLflow experiment that takes runs.

    Attributes:
        client: MLflow's client.
        experiment: The experiment's id.
    """

    client: Any
    experiment: str

    def log_run(self, result: RunResult) -> None:
        """Log a finished run: its settings, figures and reports.

        Args:
            result: The run. What goes wrong here is a warning; the run is done.
        """
        summary, layout = result.summary, result.layout
        genes = result.genes
        figures = {
            "genes": genes.height, "genes_failed": result.failed, "positions": summary.positions,
            "recalibrated": summary.recalibrated, "seconds": summary.seconds,
            "filled_gain_share": summary.filled_gain_share,
            **{name: genes[name].sum() for name in genes.columns
               if name.endswith("_sites") or name in ("moved", "gained", "lost")},
        }  # fmt: skip
        settings = {"mode": summary.mode, "model": summary.model, "features": summary.features}
        settings |= {f"selection.{k}": v for k, v in asdict(summary.selection).items()}
        files = [layout.report_text, layout.report_html, layout.metadata, layout.sites_text]
        with self._run(layout.run_name, "run") as run:
            self._log(run, settings, figures, files)

    def log_training(self, model: MetaModel, settings: TrainSettings, bundle: Path) -> None:
        """Log a training: its settings, the card's figures and the bundle.

        Args:
            model: The model.
            settings: How it was trained.
            bundle: Where it was saved.
        """
        figures: dict[str, float] = {"trees": model.trees, "features": len(model.manifest.names)}
        card = model.metadata.get("card", {})
        for system, classes in card.get("systems", {}).items():
            for label, metrics in classes.items():
                for metric, figure in metrics.items():
                    if isinstance(figure, Mapping) and isinstance(figure.get("value"), float):
                        figures[f"{system}.{label}.{metric}"] = figure["value"]
        described = asdict(settings) | {"base_models": ", ".join(model.base_models)}
        with self._run(bundle.name, "train") as run:
            self._log(run, described, figures, sorted(bundle.iterdir()))

    @contextmanager
    def _run(self, name: str, command: str) -> Iterator[str]:
        """A run in the experiment, by its id; what fails in it is a warning."""
        from splice_meta import __version__

        tags = {"splice_meta.command": command, "splice_meta.version": __version__}
        try:
            made = self.client.create_run(self.experiment, run_name=name, tags=tags)
            yield made.info.run_id
            self.client.set_terminated(made.info.run_id)
        except Exception as error:  # of whatever store
            log.warning("MLflow did not take everything: %s", _first_line(error))

    def _log(
        self, run: str, settings: Mapping[str, Any], figures: Mapping[str, Any],
        files: Sequence[Any],
    ) -> None:  # fmt: skip
        for name, value in settings.items():
            self.client.log_param(run, name, str(value)[:500])
        for name, value in figures.items():
            if value is not None:
                self.client.log_metric(run, name, float(value))
        for file in files:
            # Objects in a store stay there.
            if isinstance(file, Path) and file.is_file() and file.stat().st_size <= _LARGEST:
                self.client.log_artifact(run, str(file))


def open_tracker(uri: str) -> Tracker:
    """Open the experiment in an MLflow store, making it if there is none.

    Args:
        uri: A server's address, a database's, or a local folder.

    Raises:
        UsageError: If MLflow is not installed, or the store cannot be used.
    """
    try:
        from mlflow import MlflowClient
    except ImportError:
        raise UsageError(
            "--mlflow needs MLflow, which is not installed.",
            "Install it: pip install 'splice_meta[mlflow]'.",
        ) from None
    if "://" not in uri or uri.startswith("file:"):
        # Its current versions ask for this before they take a folder, which was asked for here.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    try:
        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(name)
        experiment = found.experiment_id if found is not None else client.create_experiment(name)
    except Exception as error:  # of whatever store
        raise UsageError(
            f"The MLflow store {uri} cannot be used: {_first_line(error)}.",
            "Give a server's address, sqlite:///FILE, or a local folder.",
        ) from None
    return Tracker(client, experiment)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")
