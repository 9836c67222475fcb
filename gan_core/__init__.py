"""Ganometer's engine: train a GAN, and measure with Euclidean distance how far its samples are from real ones.

The public door. Names are loaded on first use (PEP 562), so importing this package costs the standard
library and nothing else; TensorFlow is loaded only where a generator runs.
"""

import importlib

_HOME = {
    "Lab": "service.lab:Lab",
    "settings_from_environment": "settings:settings_from_environment",
    "RunConfig": "config.run_config:RunConfig",
    "ConfigError": "config.run_config:ConfigError",
    "ADVERSARIAL_LOSSES": "config.sections:ADVERSARIAL_LOSSES",
    "MOST_CLASSES": "config.rules:MOST_CLASSES",
    "PRESETS": "config.presets:PRESETS",
    "preset": "config.presets:preset",
    "override": "config.run_config:override",
    "flatten_config": "config.run_config:flatten_config",
    "SETTINGS": "config.run_config:SETTINGS",
    "describe_setting": "config.run_config:describe_setting",
    "setting_type": "config.run_config:setting_type",
    "differences": "config.run_config:differences",
    "EDITABLE": "config.live_edits:EDITABLE",
    "edited": "config.live_edits:edited",
    "is_live": "config.live_edits:is_live",
    "needs_compiling": "config.live_edits:needs_compiling",
    "query_of": "service.share_links:query_of",
    "encoded_query": "service.share_links:encoded_query",
    "config_from_query": "service.share_links:config_from_query",
    "repeating": "service.share_links:repeating",
    "Link": "service.share_links:Link",
    "versions": "machine:versions",
    "MOST_TAGS": "store.labels:MOST_TAGS",
    "LONGEST_NAME": "store.labels:LONGEST_NAME",
    "OPTIONS": "data.datasets:OPTIONS",
    "GanometerError": "records:GanometerError",
    "DatasetInfo": "records:DatasetInfo",
    "RunInfo": "records:RunInfo",
    "Event": "records:Event",
    "History": "records:History",
    "Headline": "records:Headline",
    "CorruptionCell": "records:CorruptionCell",
    "CorruptionSheet": "records:CorruptionSheet",
    "Histogram": "records:Histogram",
    "Job": "records:Job",
    "MetricResult": "records:MetricResult",
    "Reference": "records:Reference",
    "Report": "records:Report",
    "report_to_json": "records:to_json",
    "Parameters": "jobs.kind:Parameters",
    "Browse": "jobs.browse:Browse",
    "Compare": "jobs.compare:Compare",
    "Corruptions": "jobs.corruptions:Corruptions",
    "LatentPlane": "jobs.latent_plane:LatentPlane",
    "LatentWalk": "jobs.latent_walk:LatentWalk",
    "MeasureParameters": "jobs.measure_parameters:MeasureParameters",
    "Projection": "jobs.projection:Projection",
    "ReferenceParameters": "jobs.reference:ReferenceParameters",
    "SampleDetail": "jobs.sample_detail:SampleDetail",
    "Surface": "jobs.surface:Surface",
    "Comparison": "jobs.comparison:Comparison",
    "ENOUGH_SEEDS": "jobs.comparison:ENOUGH_SEEDS",
    "MOST_RUNS": "jobs.comparison:MOST_RUNS",
    "Group": "jobs.comparison:Group",
    "GroupCurve": "jobs.comparison:GroupCurve",
    "Verdict": "jobs.comparison:Verdict",
    "alike": "jobs.comparison:alike",
    "curve_of_group": "jobs.comparison:curve_of_group",
    "group_runs": "jobs.comparison:groups",
    "settings_diff": "jobs.comparison:diff",
    "step_of": "jobs.comparison:step_of",
    "value_in_words": "jobs.comparison:value_in_words",
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
