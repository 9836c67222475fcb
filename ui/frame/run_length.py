"""How long a run takes, in the same words wherever one can be started."""

from dataclasses import replace

from gan_core import Lab, RunConfig
from ui.frame.text import seconds

ON_A_LAPTOP = {
    "ring-8": "about half a minute",
    "digits": "about half a minute",
    "mnist": "one to two minutes",
}
"""What the recipe `auto` takes on these data where this machine has trained nothing of the like yet."""


def how_long(lab: Lab, config: RunConfig) -> str:
    """A sentence, from this machine's own runs where there are any of the like; empty where nothing is known."""
    here = lab.recipes.estimate(config)
    if here is not None:
        return f"Takes about {seconds(here)} here."
    name = config.data.name
    if name in ON_A_LAPTOP and replace(config, seed=0) == lab.recipes.preset("auto", data=name):
        return f"Takes {ON_A_LAPTOP[name]} on a laptop."
    return ""
