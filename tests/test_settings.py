"""Where things are kept: what the environment says, and what happens where nothing can be written."""

from dataclasses import replace
from pathlib import Path

import pytest

from gan_core.settings import SHARED_LIMITS, Limits, settings_from_environment
from gan_core.validation import Invalid


def test_everything_follows_from_the_home(tmp_path):
    place = settings_from_environment({"GANOMETER_HOME": str(tmp_path / "new" / "home")})
    assert place.home == tmp_path / "new" / "home" and place.home.is_dir()
    assert place.store_url == f"sqlite:///{tmp_path / 'new' / 'home' / 'ganometer.sqlite'}"
    assert (place.data_folder, place.worker, place.limits, place.notice) == (None, "process", Limits(), "")
    assert (place.resume, place.shared, place.admins, place.limits.at_once) == (False, False, (), 1)


def test_the_environment_decides_and_an_argument_beats_it(tmp_path):
    environ = {
        "GANOMETER_HOME": str(tmp_path),
        "GANOMETER_STORE": "sqlite:///a.sqlite",
        "GANOMETER_DATA": str(tmp_path / "data"),
        "GANOMETER_WORKER": "thread",
    }
    place = settings_from_environment(environ)
    assert (place.store_url, place.data_folder, place.worker) == ("sqlite:///a.sqlite", tmp_path / "data", "thread")
    assert settings_from_environment(environ, store_url="sqlite:///b.sqlite").store_url == "sqlite:///b.sqlite"


def test_empty_variables_are_unset_ones(tmp_path):
    empty = dict.fromkeys(("GANOMETER_STORE", "GANOMETER_DATA", "GANOMETER_WORKER"), "")
    home = {"GANOMETER_HOME": str(tmp_path)}
    assert settings_from_environment(home | empty) == settings_from_environment(home)


def test_a_home_is_the_same_place_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings_from_environment({"GANOMETER_HOME": "mine"}).home == tmp_path / "mine"


def test_a_tilde_is_the_user_s_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_from_environment({"GANOMETER_HOME": "~/g"}).home == tmp_path / "g"
    assert settings_from_environment({}).home == tmp_path / ".ganometer"


def test_an_unwritable_home_is_replaced_with_a_notice(tmp_path):
    (tmp_path / "file").write_text("in the way")
    place = settings_from_environment({"GANOMETER_HOME": str(tmp_path / "file" / "home")})
    assert place.home.is_dir() and place.home != tmp_path / "file" / "home"
    assert str(tmp_path / "file" / "home") in place.notice and str(place.home) in place.notice
    assert "GANOMETER_HOME" in place.notice
    assert Path(place.store_url.removeprefix("sqlite:///")).parent == place.home


def test_an_unknown_worker_mode_is_named(tmp_path):
    with pytest.raises(ValueError, match="'rocket'.*process, thread, none"):
        settings_from_environment({"GANOMETER_HOME": str(tmp_path), "GANOMETER_WORKER": "rocket"})


def test_a_shared_server(tmp_path):
    environ = {
        "GANOMETER_HOME": str(tmp_path),
        "GANOMETER_SHARED": "true",
        "GANOMETER_ADMINS": "Ada@here, bob@there",
        "GANOMETER_RESUME": "1",
        "GANOMETER_LIMITS": "at_once=2 queued=3, minutes=2.5",
    }
    place = settings_from_environment(environ)
    assert (place.shared, place.resume, place.admins) == (True, True, ("ada@here", "bob@there"))
    assert place.limits == replace(SHARED_LIMITS, at_once=2, queued=3, minutes=2.5)
    secrets = {"shared": False, "admins": ["eve@here"], "limits": {"steps": 500}, "connections": {}}
    place = settings_from_environment(environ, secrets=secrets)
    assert (place.shared, place.resume, place.admins) == (False, True, ("eve@here",))
    assert place.limits == Limits(steps=500)


def test_a_shared_server_has_limits_unless_they_are_lifted(tmp_path):
    environ = {"GANOMETER_HOME": str(tmp_path), "GANOMETER_SHARED": "true"}
    assert settings_from_environment(environ).limits == SHARED_LIMITS
    assert None not in (SHARED_LIMITS.queued, SHARED_LIMITS.minutes, SHARED_LIMITS.jobs, SHARED_LIMITS.uploads)
    assert settings_from_environment({**environ, "GANOMETER_SHARED": ""}).limits == Limits()
    lifted = replace(SHARED_LIMITS, queued=None, jobs=None, minutes=5.0)
    told = {**environ, "GANOMETER_LIMITS": "queued=none, jobs=None minutes=5"}
    assert settings_from_environment(told).limits == lifted
    secrets = {"limits": {"queued": "none", "jobs": "none", "minutes": 5}}
    assert settings_from_environment(environ, secrets=secrets).limits == lifted


def test_a_child_process_has_the_limits_of_its_server(tmp_path):
    environ = {"GANOMETER_HOME": str(tmp_path), "GANOMETER_LIMITS": "queued=none"}
    place = settings_from_environment(environ, secrets={"shared": True, "admins": ["ada@here"]})
    for inherited in ({}, {"GANOMETER_SHARED": "false", "GANOMETER_LIMITS": "steps=5"}):
        assert settings_from_environment({**inherited, **place.environment()}) == place


def test_runs_of_admins_and_of_the_command_line_have_no_limits(tmp_path):
    environ = {"GANOMETER_HOME": str(tmp_path), "GANOMETER_SHARED": "true", "GANOMETER_ADMINS": "ada@here"}
    place = settings_from_environment(environ)
    assert [place.limits_of_run(owner).minutes for owner in ("Ada@here", "", "bob@here")] == [None, None, 30]
    alone = replace(place, shared=False)
    assert alone.limits_of_run("").minutes == 30


def test_a_child_process_gets_the_same_settings(tmp_path):
    environ = {"GANOMETER_HOME": str(tmp_path), "GANOMETER_LIMITS": "at_once=2 minutes=2.5", "GANOMETER_DATA": "data"}
    place = settings_from_environment(environ, store_url="sqlite:///a.sqlite")
    assert settings_from_environment(place.environment()) == place


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SHARED", "perhaps", "GANOMETER_SHARED is 'perhaps'; expected true or false"),
        ("LIMITS", "stepps=3", "GANOMETER_LIMITS: stepps is not a limit; did you mean steps?"),
        ("LIMITS", "hours=3", "hours is not a limit; choose from at_once, queued, steps, batch, minutes, memory, jobs"),
        ("LIMITS", "steps=many", "GANOMETER_LIMITS: steps is 'many'; expected a whole number"),
        ("LIMITS", "steps", "steps is ''; expected a whole number"),
        ("LIMITS", "steps=0", "steps is 0; it must be at least 1"),
        ("LIMITS", "minutes=0", "minutes is 0.0; it must be finite and above 0"),
        ("LIMITS", "minutes=nan", "minutes is nan; it must be finite and above 0"),
        ("LIMITS", "memory=inf", "memory is inf; it must be finite and above 0"),
        ("LIMITS", "batch=2.5", "batch is '2.5'; expected a whole number"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path, name, value, said):
    with pytest.raises(ValueError) as error:
        settings_from_environment({"GANOMETER_HOME": str(tmp_path), f"GANOMETER_{name}": value})
    assert said in str(error.value)


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    environ = {"GANOMETER_HOME": str(tmp_path), "GANOMETER_WORKER": "rocket", "GANOMETER_LIMITS": "steps=0 hours=2"}
    with pytest.raises(Invalid) as error:
        settings_from_environment(environ, secrets={"resume": "perhaps", "admins": 5})
    named = [problem.split(" is ")[0] for problem in error.value.problems]
    assert named == [
        "GANOMETER_WORKER",
        "GANOMETER_RESUME",
        "GANOMETER_ADMINS",
        "GANOMETER_LIMITS: steps",
        "GANOMETER_LIMITS: hours",
    ]


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ({"limits": 5}, "GANOMETER_LIMITS: 5 is no table; write for example steps=20000 minutes=10"),
        ({"limits": {"steps": True}}, "steps is True; expected a whole number"),
        ({"limits": {"minutes": [1]}}, r"minutes is \[1\]; expected a number"),
        ({"admins": [5]}, r"GANOMETER_ADMINS is \[5\]; expected names, as a list"),
        ({"shared": [True]}, r"GANOMETER_SHARED is \[True\]; expected true or false"),
    ],
)
def test_secrets_of_another_type_are_named(tmp_path, secrets, said):
    with pytest.raises(Invalid, match=said):
        settings_from_environment({"GANOMETER_HOME": str(tmp_path)}, secrets=secrets)


def test_where_no_temporary_folder_can_be_written_a_sentence_says_what_to_set(tmp_path, monkeypatch):
    """A file stands where the home should be, and another one where the folder for temporary files should be."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(Invalid, match=r"cannot be written.*no folder for temporary files.*set GANOMETER_HOME"):
        settings_from_environment({"GANOMETER_HOME": str(tmp_path / "file" / "home")})


def test_a_file_in_the_place_of_the_temporary_home_is_passed_by(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "ganometer").write_text("in the way, too")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = settings_from_environment({"GANOMETER_HOME": str(tmp_path / "file")})
    assert place.home.is_dir() and place.home.parent == tmp_path and str(place.home) in place.notice


@pytest.mark.parametrize("variable", ["GANOMETER_HOME", "GANOMETER_DATA"])
def test_a_home_of_nobody_is_named(tmp_path, variable):
    environ = {"GANOMETER_HOME": str(tmp_path), variable: "~nobody-has-this-name/x"}
    with pytest.raises(Invalid, match=f"{variable} is '~nobody-has-this-name/x'.*give its whole path"):
        settings_from_environment(environ)
