"""What the classes and columns of a run's data are called, for whoever may see these data.

The words of a file may say as much as its rows. So each owner of an upload has names of their own for it, and a run has
those of its owner, or else those of somebody who has published the data.
"""

from __future__ import annotations

from gan_core.data.datasets import OPTIONS
from gan_core.records import NO_NAMES, DataNames, DatasetInfo, RunInfo
from gan_core.store import Store


def names_of(store: Store, run: RunInfo, data: DatasetInfo) -> DataNames:
    """The names that a run shows of its data; those that came with a bundle where no file is here that has some."""
    if run.data_hidden:
        return NO_NAMES
    if data.name in OPTIONS:
        return DataNames(OPTIONS[data.name].class_names)
    theirs = store.datasets.names(data.sha256)
    own = [names for owner, names in theirs.items() if owner == run.owner]
    published = [names for owner, names in theirs.items() if data.owners.get(owner)]
    return [*own, *published, data.names][0]
