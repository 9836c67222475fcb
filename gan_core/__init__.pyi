"""What the public door holds; `gan_core/__init__.py` loads each name on first use."""

from .config.live_edits import EDITABLE as EDITABLE
from .config.live_edits import edited as edited
from .config.live_edits import is_dial as is_dial
from .config.live_edits import needs_compiling as needs_compiling
from .config.presets import PRESETS as PRESETS
from .config.presets import preset as preset
from .config.rules import MOST_CLASSES as MOST_CLASSES
from .config.run_config import GAMES as GAMES
from .config.run_config import SETTINGS as SETTINGS
from .config.run_config import ConfigError as ConfigError
from .config.run_config import RunConfig as RunConfig
from .config.run_config import describe, flatten, kind_of
from .config.run_config import differences as differences
from .config.run_config import override as override
from .data.datasets import OPTIONS as OPTIONS
from .distances.catalogue import CORRUPTION_TITLES as CORRUPTION_TITLES
from .distances.catalogue import METRICS as METRICS
from .distances.report import measure as measure
from .distances.verdict import NOTABLE as NOTABLE
from .distances.verdict import badness as badness
from .distances.verdict import with_spread as with_spread
from .jobs.comparison import ENOUGH_SEEDS as ENOUGH_SEEDS
from .jobs.comparison import MOST_RUNS as MOST_RUNS
from .jobs.comparison import Comparison as Comparison
from .jobs.comparison import Group as Group
from .jobs.comparison import GroupCurve as GroupCurve
from .jobs.comparison import Verdict as Verdict
from .jobs.comparison import alike as alike
from .jobs.comparison import curve_of_group as curve_of_group
from .jobs.comparison import diff, groups
from .jobs.comparison import step_of as step_of
from .jobs.comparison import value_in_words as value_in_words
from .machine import versions as versions
from .records import DatasetInfo as DatasetInfo
from .records import Event as Event
from .records import GanometerError as GanometerError
from .records import Headline as Headline
from .records import Histogram as Histogram
from .records import History as History
from .records import Job as Job
from .records import MetricResult as MetricResult
from .records import Reference as Reference
from .records import Report as Report
from .records import RunInfo as RunInfo
from .records import to_json
from .service.lab import Lab as Lab
from .service.share_links import Link as Link
from .service.share_links import config_from_query as config_from_query
from .service.share_links import encoded
from .service.share_links import query_of as query_of
from .service.share_links import repeating as repeating
from .settings import from_environment
from .store.labels import LONGEST_NAME as LONGEST_NAME
from .store.labels import MOST_TAGS as MOST_TAGS

__version__: str

settings_from_environment = from_environment
flatten_config = flatten
describe_setting = describe
setting_type = kind_of
encoded_query = encoded
report_to_json = to_json
group_runs = groups
settings_diff = diff
