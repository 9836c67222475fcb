"""What a form submits is made once."""

import pytest
import sqlalchemy as sa

from gan_core.records import GanometerError
from gan_core.store import schema as tables
from tests.stored_runs import CONFIG


def test_a_submission_that_fails_has_made_nothing_and_may_come_again(store):
    def fail():
        store.runs.create(CONFIG)
        raise GanometerError("the second one is refused")

    with pytest.raises(GanometerError, match="refused"):
        store.submit("word", fail)
    assert store.runs.all() == []
    (made,) = store.submit("word", lambda: [store.runs.create(CONFIG)])
    assert store.submit("word", fail) == [made] == [run.id for run in store.runs.all()]


def test_submissions_are_forgotten_after_a_day(store):
    (first,) = store.submit("word", lambda: [store.runs.create(CONFIG)])
    with store.database.writing() as db:
        db.execute(tables.submissions.update().values(created=tables.submissions.c.created - 86_500))
    assert store.submit("other", list) == []
    with store.database.reading() as db:
        assert db.scalars(sa.select(tables.submissions.c.nonce)).all() == ["other"]
    assert store.submit("word", lambda: [store.runs.create(CONFIG)]) != [first]
