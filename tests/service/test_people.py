"""Whose run is whose: nicknames, and what a visitor is told of others."""

import pytest

from gan_core.records import GanometerError
from gan_core.service.permissions import NotAllowed
from tests.service.labs import CONFIG, shared


def test_others_are_called_by_their_nickname_and_oneself_is_you(tmp_path):
    with shared(tmp_path) as lab:
        lab.people.call_me("  Anna ", by="a@x.org")
        assert lab.people.nickname(by="a@x.org") == "Anna" and lab.people.nickname(by="b@x.org") == ""
        assert lab.people.owners(by="b@x.org") == {"a@x.org": "Anna", "b@x.org": "you"}
        assert lab.people.owners(by="a@x.org")["a@x.org"] == "you"
        lab.people.call_me("Ann", by="a@x.org")
        assert lab.people.owners(by="")["a@x.org"] == "Ann"
        run = lab.runs.get(lab.runs.start(CONFIG, by="a@x.org"))
        assert lab.people.is_mine(run, by="a@x.org") and not lab.people.is_mine(run, by="b@x.org")


@pytest.mark.parametrize("nickname", ["", "   ", "x" * 31, "a\nb"])
def test_a_nickname_that_cannot_be_shown_is_refused(tmp_path, nickname):
    with shared(tmp_path) as lab:
        with pytest.raises(GanometerError, match="the nickname"):
            lab.people.call_me(nickname, by="a@x.org")
        assert lab.people.nickname(by="a@x.org") == ""


@pytest.mark.parametrize("nickname", ["Anna", " anna ", "An\u200bna", "\uff21nna", "An na", "you", "You"])
def test_nobody_is_called_like_somebody_else(tmp_path, nickname):
    with shared(tmp_path) as lab:
        lab.people.call_me("Anna", by="a@x.org")
        with pytest.raises(GanometerError, match="somebody else is called"):
            lab.people.call_me(nickname, by="b@x.org")
        assert "b@x.org" not in lab.people.owners(by="a@x.org")
        lab.people.call_me("anna", by="a@x.org")  # her own
        assert lab.people.nickname(by="a@x.org") == "anna"


def test_of_a_visitor_of_whom_nothing_is_known_there_is_no_nickname(tmp_path):
    with shared(tmp_path) as lab, pytest.raises(NotAllowed):
        lab.people.call_me("Nobody", by="")


def test_on_a_machine_of_one_s_own_every_run_is_one_s_own(lab):
    run = lab.runs.get(lab.runs.start(CONFIG))
    assert lab.people.is_mine(run) and lab.people.owners() == {}
