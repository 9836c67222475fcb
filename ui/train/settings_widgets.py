"""The widgets of settings: one for each type of value, in groups, Basic or Expert, and found by words."""

from collections.abc import Callable, Container, Mapping
from typing import Any

import streamlit as st

from gan_core import (
    BASIC,
    DECIDING,
    EDITABLE,
    RunConfig,
    describe_setting,
    flatten_config,
    has_effect,
    override,
    setting_label,
    setting_type,
)
from ui.frame.glossary import with_meanings, with_terms
from ui.frame.held import held

GROUPS = {
    "training": ("Length and batch", "How long the run trains, and how many samples each step uses."),
    "optimizer": ("Learning rates", "How far the weights move at each step, and how that changes over the run."),
    "objective": ("Loss", "What each network minimises."),
    "penalties": (
        "Gradient penalties",
        "Terms of the discriminator's loss that keep its gradients small and training stable.",
    ),
    "extras": ("Extras", "Further terms of the generator's loss, and noise or shifts of the discriminator's inputs."),
    "generator": ("Generator", "Turns random numbers into samples."),
    "discriminator": ("Discriminator", "Distinguishes real samples from generated ones. In a VAE it is the encoder."),
    "recording": ("Recording", "What is saved of the run, and how often."),
}
PENALTIES = ("r1", "r2", "gradient_penalty", "gradient_penalty_weight", "penalty_end", "penalty_every")
EXTRAS = ("energy_weight", "energy_space", "feature_matching", "diversity", "instance_noise", "translation")


def group_of(key: str) -> str:
    section, _, name = key.partition(".")
    if section == "objective":
        return "penalties" if name in PENALTIES else "extras" if name in EXTRAS else section
    return section


def setting_widget(key: str, value, name: str, *, rerun: Container[str] = DECIDING, **options) -> None:
    """The widget of a setting, called `name`; its value is read when a button is pressed.

    Changing one of `rerun` draws the page again.
    """
    kind, choices = setting_type(key)
    about = describe_setting(key)
    label = setting_label(key)
    help = with_meanings(f"{about['help']} (`{key}`)")
    options |= dict(key=name, help=help, on_change="rerun" if key in rerun else "ignore")
    first = held(name, as_widget(key, value))
    if kind == "choice":
        st.selectbox(label, choices, choices.index(first), **options)
    elif kind == "switch":
        st.toggle(label, first, **options)
    elif kind == "widths":
        st.text_input(label, first, **options)
    elif kind == "whole":
        st.number_input(label, int(about["low"]), int(about["high"]), first, **options)
    elif about["low"] == 0 and about["high"] <= 1:
        st.slider(label, 0.0, float(about["high"]), first, step=0.001, format="%.3f", **options)
    else:
        step = None if value is None else max(abs(value) / 10, 1e-6)
        st.number_input(label, float(about["low"]), float(about["high"]), first, format="%g", step=step, **options)


def as_widget(key: str, value):
    """A setting's value as its widget holds it."""
    kind, _ = setting_type(key)
    if kind == "widths":
        return ", ".join(map(str, value))
    return float(value) if kind == "number" and value is not None else value


def in_pairs(values: dict[str, object], name: Callable[[str], str], **options) -> None:
    """The widgets of some settings {key: value}, two in a row, switches last: so a row is of one height."""
    keys = sorted(values, key=lambda key: setting_type(key)[0] == "switch")
    for i in range(0, len(keys), 2):
        for column, key in zip(st.columns(2, vertical_alignment="bottom"), keys[i : i + 2]):
            with column:
                setting_widget(key, values[key], name(key), **options)


def grouped_settings(values: Mapping[str, Any], name: Callable[[str], str], *, key: str, **options) -> None:
    """The widgets of some settings {dotted key: value}, in groups: the basic ones, the others, or those searched for.

    `name` gives the key of a setting's widget. `key` begins the keys of the search box and of the choice of the level.
    The rest is what `setting_widget` takes. A value stays while its widget is not in sight.
    """
    words = st.text_input(
        "Search the settings",
        held(f"{key} search", ""),
        type="search",
        key=f"{key} search",
        placeholder="rate, penalty, noise …",
        icon=":material/search:",
        persist_state="session",
    )
    if words and words.strip():
        found = [setting for setting in values if matches(setting, words)]
        if not found:
            st.caption("No setting that has an effect here matches. Try another word, such as *rate* or *penalty*.")
    else:
        level = st.segmented_control(
            "Which settings",
            ["Basic", "Expert"],
            default=held(f"{key} level", "Basic"),
            required=True,
            key=f"{key} level",
            persist_state="session",
            help="Basic: the settings that are changed most. Expert: all the others.",
        )
        found = [setting for setting in values if (setting in BASIC) == (level == "Basic")]
    for group, (title, sentence) in GROUPS.items():
        if members := {setting: values[setting] for setting in found if group_of(setting) == group}:
            st.markdown(f"**{title}.** {with_terms(sentence)}", unsafe_allow_html=True)
            in_pairs(members, name, **options | {"persist_state": "session"})


def matches(key: str, words: str) -> bool:
    """Whether a setting has all these words in its name, its group or its sentence."""
    title, sentence = GROUPS[group_of(key)]
    text = " ".join([key, setting_label(key), title, sentence, describe_setting(key)["help"]]).lower()
    return all(word in text for word in words.lower().split())


def settings_of(config: RunConfig, name: str, *, beside: tuple[str, ...] = ()) -> Callable[[], dict]:
    """Widgets of what may be changed of a run, but for what stands `beside` them. Returns a function: what has changed.

    A widget begins anew where the run itself has got another value.
    """
    values = flatten_config(config)
    before = st.session_state.get(f"{name} values", values)
    for key in values:
        if values[key] != before.get(key):
            st.session_state[f"{name} {key}"] = as_widget(key, values[key])
    st.session_state[f"{name} values"] = values
    chosen = values | {key: st.session_state.get(f"{name} {key}") or values[key] for key in DECIDING}
    meant = [key for key in EDITABLE if has_effect(key, values) or has_effect(key, chosen)]
    meant = [key for key in meant if key not in beside]
    grouped_settings({key: values[key] for key in meant}, lambda key: f"{name} {key}", key=name)

    def changed() -> dict:
        entered = {key: st.session_state.get(f"{name} {key}") for key in meant}
        entered = {key: value for key, value in entered.items() if value is not None}
        read = flatten_config(override(config, entered))  # a number field gives 3 for 3.0, and rounds nothing else
        return {key: entered[key] for key in entered if read[key] != values[key]}

    return changed
