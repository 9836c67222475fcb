"""Ganometer's engine: train a GAN, and measure with Euclidean distance how far its samples are from real ones.

The public door. Names are loaded on first use (PEP 562), so importing this package costs the standard
library and nothing else; TensorFlow is loaded only where a generator runs.
"""

import importlib

_HOME = {
    "Lab": "lab:Lab",
    "settings_from_environment": "settings:from_environment",
    "RunConfig": "config:RunConfig",
    "ConfigError": "config:ConfigError",
    "GAMES": "config:GAMES",
    "MOST_CLASSES": "combinations:MOST_CLASSES",
    "PRESETS": "presets:PRESETS",
    "preset": "presets:preset",
    "override": "config:override",
    "flatten_config": "config:flatten",
    "SETTINGS": "config:SETTINGS",
    "describe_setting": "config:describe",
    "setting_type": "config:kind_of",
    "differences": "config:differences",
    "EDITABLE": "edits:EDITABLE",
    "edited": "edits:edited",
    "is_dial": "edits:is_dial",
    "needs_compiling": "edits:needs_compiling",
    "query_of": "links:query_of",
    "encoded_query": "links:encoded",
    "config_from_query": "links:config_from_query",
    "repeating": "links:repeating",
    "Link": "links:Link",
    "versions": "machine:versions",
    "MOST_TAGS": "labels:MOST_TAGS",
    "LONGEST_NAME": "labels:LONGEST_NAME",
    "OPTIONS": "datasets:OPTIONS",
    "GanometerError": "records:GanometerError",
    "DatasetInfo": "records:DatasetInfo",
    "RunInfo": "records:RunInfo",
    "Event": "records:Event",
    "History": "records:History",
    "Headline": "records:Headline",
    "Histogram": "records:Histogram",
    "Job": "records:Job",
    "MetricResult": "records:MetricResult",
    "Reference": "records:Reference",
    "Report": "records:Report",
    "report_to_json": "records:to_json",
    "Comparison": "comparison:Comparison",
    "ENOUGH_SEEDS": "comparison:ENOUGH_SEEDS",
    "MOST_RUNS": "comparison:MOST_RUNS",
    "Group": "comparison:Group",
    "GroupCurve": "comparison:GroupCurve",
    "Verdict": "comparison:Verdict",
    "alike": "comparison:alike",
    "curve_of_group": "comparison:curve_of_group",
    "group_runs": "comparison:groups",
    "settings_diff": "comparison:diff",
    "step_of": "comparison:step_of",
    "value_in_words": "comparison:value_in_words",
    "METRICS": "distances.catalogue:METRICS",
    "CORRUPTION_TITLES": "distances.catalogue:CORRUPTION_TITLES",
    "NOTABLE": "distances.verdict:NOTABLE",
    "badness": "distances.verdict:badness",
    "with_spread": "distances.verdict:with_spread",
    "measure": "distances.report:measure",
}

__all__ = [*_HOME]
__version__ = "0.1.0"


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)


def __dir__():
    return sorted([*globals(), *_HOME])
