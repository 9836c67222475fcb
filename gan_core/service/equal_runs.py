"""A run that has computed, or will compute, what somebody asks for: it need not be trained again.

A training is exact: the same settings, seed, data and versions give the same run bit by bit on the same machine. So
a class that opens one link waits for one training, and everybody sees it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gan_core.config.run_config import RunConfig
from gan_core.jobs.comparison import same_setting
from gan_core.records import RunInfo


def is_equal(run: RunInfo, config: RunConfig, *, sha256: str | None, versions: Mapping[str, str]) -> bool:
    """Whether a run, from its first step on, is what `config` asks for; whether it was changed live is not asked here.

    `sha256` is the hash of the data that the configuration names, None where no run has read them yet. A run that has
    not begun, or whose worker still reads the data, has neither data nor versions: it will get those of today.
    """
    return (
        run.config.seed == config.seed
        and same_setting(run.config, config)
        and run.parent_step is None
        and run.trained_here
        and not run.data_hidden
        and (run.dataset is None or run.dataset == sha256)
        and (run.state != "finished" and not run.versions or dict(run.versions) == dict(versions))
    )
