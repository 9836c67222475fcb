"""Pages drawn without a browser: a visitor who opens one, and what it then shows and asks the worker for."""

import functools
import json
import re
import time
from pathlib import Path

import plotly.graph_objects as go
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from ui.frame.identity import BROWSER_ID

# For every visitor Streamlit reads the metadata of all installed packages again, which takes longer than some pages.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

APP = Path(__file__).resolve().parents[1] / "app.py"
TEXTS = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success", "toast")
DESCRIBED = ("chart", "ganometer_image_grid")
"""The components that nobody can see without eyes, unless a text describes them."""


def open_page(path="app.py", *, browser_id="", **query) -> AppTest:
    """A visitor at `path`, with the identifier that a browser keeps. Pages cannot be drawn without app.py, where their
    links lead."""
    at = AppTest.from_file(APP, default_timeout=30)
    if browser_id:
        at.session_state[BROWSER_ID] = browser_id
    if path != "app.py":
        at.switch_page(path)
    for name, value in query.items():
        at.query_params[name] = value
    return drawn(at.run())


def drawn(at: AppTest) -> AppTest:
    """The page, once it is certain that nothing was raised and that everything to look at is described."""
    assert not at.exception, [e.value for e in at.exception]
    # A picture that is served as a file may be gone before the browser asks for it.
    assert all(picture.url.startswith("data:image/png") for picture in pictures(at))
    assert all(picture.alt for picture in pictures(at))
    assert all(about["alt"] for name in DESCRIBED for about in components(at, name))
    return at


def text_of(at: AppTest) -> str:
    """All the text of a page, and the titles of its messages."""
    parts = [element for kind in TEXTS for element in getattr(at, kind) if not str(element.value).startswith("<style>")]
    titles = [getattr(e.proto, "title", "") for kind in ("info", "warning", "error") for e in getattr(at, kind)]
    return "\n".join([*(without_explanations(str(element.value)) for element in parts), *titles])


def explained_words(at: AppTest) -> list[str]:
    """The words of a page that explain themselves, as they stand there, in the order of the kinds of elements."""
    texts = "\n".join(str(element.value) for kind in TEXTS for element in getattr(at, kind))
    return re.findall(r'<span class="term" tabindex="0">(.*?)<span ', texts)


def without_explanations(text: str) -> str:
    """A text as it is read before anybody points at one of its words."""
    return re.sub(r'<span class="term" tabindex="0">(.*?)<span [^>]*>.*?</span></span>', r"\1", text)


def run_picker(at: AppTest):
    """The picker of runs."""
    (found,) = (box for box in at.selectbox if box.label == "Run")
    return found


def form_button(at: AppTest, form: str):
    """The button of a form; its key ends with the form's nonce."""
    (found,) = (button for button in at.button if re.fullmatch(f"{form} [0-9a-f]{{32}}", button.key or ""))
    return found


def uploaded(at: AppTest, name: str, data: bytes) -> AppTest:
    """The page once a file has been chosen and read, or refused."""
    drawn(at.file_uploader(key="upload").upload(name, data).run())
    end = time.monotonic() + 60
    while any("Reading the file" in info.value or "Waiting" in info.value for info in at.info):
        assert time.monotonic() < end, "the file has not been read within a minute"
        drawn(at.run())
    return at


def double_click(at: AppTest, button) -> AppTest:
    """A browser sends both clicks from the page and the address that it shows: it has not heard of the answer yet."""
    page, query, asked = at._finished_page_script_hash, dict(at.query_params), at._page_hash
    states = button.click().root.get_widget_states()
    others = [s for s in states.widgets if s.WhichOneof("value") == "trigger_value" and not s.trigger_value]
    for state in others:  # of a button that nobody presses a browser says nothing
        states.widgets.remove(state)
    for _ in range(2):
        at._page_hash, at.query_params = page, dict(query)
        drawn(at._run(states))
    at._page_hash = asked
    return at


def message(at: AppTest):
    """What the browser says of its widgets now; `send` lets it arrive later."""
    return at._tree.get_widget_states()


def send(at: AppTest, late) -> AppTest:
    """A message that left the browser before it heard of what has been drawn since."""
    return drawn(at._run(late))


def components(at: AppTest, name: str) -> list[dict]:
    """What each component of a kind is given to draw."""
    found = (element.proto for element in at.get("bidi_component"))
    return [json.loads(proto.json) for proto in found if proto.component_name == name]


def opened(at: AppTest, label: str) -> AppTest:
    """With the expander or popover of this label open, whose content is drawn on demand."""
    boxes = [box for kind in ("expander", "popover") for box in at.get(kind)]
    (key,) = (box.key for box in boxes if (box.label if hasattr(box, "label") else box.proto.popover.label) == label)
    at.session_state[key] = True
    return drawn(at.run())


def with_tab(at: AppTest, tab: str) -> AppTest:
    """The Train page of a run with a discriminator, with this tab open: only the open one is drawn."""
    at.session_state["details True"] = tab
    return drawn(at.run())


def viewing(at: AppTest, view: str) -> AppTest:
    """The Train page with the run ("run") or the form ("new") beside the picture."""
    (switch,) = (choice for choice in at.segmented_control if (choice.key or "").startswith("view "))
    return drawn(switch.set_value(view).run())


def descriptions(at: AppTest) -> list[str]:
    """What everything to look at is described as: pictures, image grids and charts."""
    return [
        *(picture.alt for picture in pictures(at)),
        *(about["alt"] for kind in DESCRIBED for about in components(at, kind)),
    ]


def chart_of(at: AppTest, description: str) -> dict:
    """The figure of the one chart that is described like this."""
    figures(at)
    (found,) = (about["figure"] for about in components(at, "chart") if about["alt"] == description)
    return found


def names_of_curves(figure: dict) -> list[str]:
    """What the legend of a figure names, in order."""
    return [trace["name"] for trace in figure["data"] if trace.get("name")]


def figures(at: AppTest) -> list[dict]:
    """Every chart of a page, as the browser is given it, and Plotly finds nothing in it that there is not."""
    found = [about["figure"] for about in components(at, "chart")]
    for figure in found:
        go.Figure(figure)  # raises ValueError
    return found


def pictures(at: AppTest) -> list:
    return [picture for element in at.get("image") for picture in element.proto.imgs]


def claim(store, kind):
    """The job of this kind that has waited longest: a page may ask for several things at once."""
    while (job := store.jobs.claim("hand")) is not None and job.kind != kind:
        pass
    assert job, f"no {kind} job waits"
    return job
