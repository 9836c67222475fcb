"""What may not leave a server in a file is cut from texts, and the rest of them stays."""

import pytest

from gan_core.bundles.personal import CUT, clearer, event_for_a_file


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("No space left on device: '/srv/ada lovelace/ganometer.sqlite'", f"No space left on device: {CUT}"),
        ("/srv/ada/x.npz cannot be read; get it again", f"{CUT} cannot be read; get it again"),
        ("(~/runs/a) is gone", f"({CUT}) is gone"),
        ("~ada/a is gone", f"{CUT} is gone"),
        (r"C:\Users\ada\x is gone", f"{CUT} is gone"),
        ("the store postgresql+psycopg://db.example:5432/lab refused", f"the store {CUT} refused"),
        ("ada@example.org, and browser-0123456789abcdef", f"{CUT}, and {CUT}"),
        ("worker lab-pc.local-4711-9f3a has it", f"worker {CUT} has it"),
        ("process 4711 on host big-box", f"process 4711 on host {CUT}"),
        *((text, text) for text in ("NaN at step 5; lower optimizer.beta1, 3/4 of it", "8×8 digits · seed 3 / long")),
    ],
)
def test_a_text_loses_people_places_and_machines(text, kept):
    assert clearer(["big-box", ""])(text) == kept


def test_an_event_keeps_what_is_known_to_be_harmless():
    payload = {"by": "ada@example.org", "host": "big-box", "worker": "x", "seconds": 3.5, "parent": "ab12cd34"}
    payload |= {"changes": {"seed": [0, 1]}, "error": "no space on /srv"}
    assert event_for_a_file(payload, clearer([])) == {
        "seconds": 3.5,
        "parent": "ab12cd34",
        "changes": {"seed": [0, 1]},
        "error": f"no space on {CUT}",
    }
