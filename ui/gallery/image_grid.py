"""A contact sheet: one picture of many samples, in which a person points at one, by mouse, finger or keyboard.

    sheet(x, key="shelf", alt="64 generated samples", on_pick=choose)

The picture holds every pixel of a sample once and is enlarged by the browser in whole steps, so it is small to send
and crisp to look at. What is pointed at is shown large beside the sheet at once, without asking the server.
"""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from gan_core.pictures import grid

IN_A_ROW = 16
"""In the picture that is sent; the browser puts as many in a row as it has room for."""

_CSS = """
.sheet { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; font: 0.875rem var(--st-font);
         color: var(--st-text-color); }
.field { position: relative; outline: none; cursor: crosshair; touch-action: manipulation; flex: none; }
.field:focus-visible { box-shadow: 0 0 0 2px var(--st-background-color), 0 0 0 4px var(--st-primary-color); }
.field canvas { display: block; width: 100%; height: 100%; image-rendering: pixelated; }
.ring { position: absolute; box-sizing: border-box; pointer-events: none; display: none; border-radius: 2px; }
.at { border: 2px solid var(--st-text-color); }
.chosen { border: 3px solid var(--st-primary-color); box-shadow: 0 0 0 1px var(--st-background-color); }
.lens { flex: none; text-align: center; }
.lens canvas { display: block; image-rendering: pixelated; border: 1px solid var(--st-border-color);
               border-radius: var(--st-base-radius); }
.lens div { padding-top: 4px; min-height: 1.2em; white-space: pre-line; font-variant-numeric: tabular-nums; }
"""

_JS = """
const ROOM = 176

export default function ({ parentElement, data, setTriggerValue }) {
    let root = parentElement.querySelector(".sheet")
    if (!root) {
        root = document.createElement("div")
        root.className = "sheet"
        root.innerHTML = '<div class="field" tabindex="0" role="listbox"><canvas></canvas>' +
            '<div class="ring chosen"></div><div class="ring at"></div></div>' +
            '<div class="lens"><canvas></canvas><div aria-live="polite"></div></div>'
        root.picture = new Image()
        parentElement.appendChild(root)
    }
    const [field, lens] = root.children, [sheet, large] = root.querySelectorAll("canvas")
    const [chosenRing, atRing] = field.querySelectorAll(".ring"), picture = root.picture
    const { width, height, columns, count, captions, chosen } = data, gap = 1
    let at = chosen ?? Math.min(root.at ?? 0, count - 1), across = columns, scale = 1

    const place = (index, columns) => [(index % columns) * (width + gap), Math.floor(index / columns) * (height + gap)]

    function fit() {
        const all = root.clientWidth
        if (!all) return
        const room = all > 480 ? all - ROOM - 16 : all, pixels = window.devicePixelRatio || 1
        if (data.table) {
            scale = Math.min(data.cell / width, (room + gap) / (columns * (width + gap)))
        } else {
            // A whole number of the screen's pixels for every pixel of a sample, and as many columns as there is room.
            scale = Math.max(1, Math.floor(data.cell / width * pixels)) / pixels
            across = Math.max(1, Math.min(count, Math.floor((room / scale + gap) / (width + gap))))
        }
        const rows = Math.ceil(count / across)
        sheet.width = across * (width + gap) - gap
        sheet.height = rows * (height + gap) - gap
        field.style.width = sheet.width * scale + "px"
        field.style.height = sheet.height * scale + "px"
        const factor = Math.max(1, Math.floor(ROOM / Math.max(width, height)))
        large.width = width
        large.height = height
        large.style.width = width * factor + "px"
        large.style.height = height * factor + "px"
        if (picture.naturalWidth) {
            const paper = sheet.getContext("2d")
            for (let index = 0; index < count; index++) {
                const from = place(index, columns), to = place(index, across)
                paper.drawImage(picture, ...from, width, height, ...to, width, height)
            }
            field.dataset.drawn = count
        }
        mark(chosenRing, chosen)
        look(at, false)
    }
    function mark(ring, index) {
        const here = Number.isInteger(index) && index >= 0 && index < count
        ring.style.display = here ? "block" : "none"
        if (!here) return
        const [x, y] = place(index, across)
        ring.style.left = x * scale - 2 + "px"
        ring.style.top = y * scale - 2 + "px"
        ring.style.width = width * scale + 4 + "px"
        ring.style.height = height * scale + 4 + "px"
    }
    function look(index, pointed = true) {
        at = root.at = index
        if (pointed) mark(atRing, index)
        const words = captions[index] ?? ""
        lens.lastElementChild.textContent = words
        field.setAttribute("aria-label", data.alt + (pointed ? ". Number " + (index + 1) + ". " + words : ""))
        if (picture.naturalWidth) {
            large.getContext("2d").drawImage(picture, ...place(index, columns), width, height, 0, 0, width, height)
        }
    }
    function under(event) {
        const box = field.getBoundingClientRect()
        const column = Math.floor((event.clientX - box.left) / ((width + gap) * scale))
        const row = Math.floor((event.clientY - box.top) / ((height + gap) * scale))
        const index = row * across + column
        return column >= 0 && column < across && row >= 0 && index < count ? index : null
    }
    field.onpointermove = event => { const index = under(event); if (index !== null) look(index) }
    field.onpointerleave = () => { mark(atRing, null); look(Number.isInteger(chosen) ? chosen : at, false) }
    field.onclick = event => {
        const index = under(event)
        if (index === null) return
        look(index)
        if (data.picks) setTriggerValue("picked", index)
    }
    field.onkeydown = event => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key]
        if (step !== undefined) {
            event.preventDefault()
            if (at + step >= 0 && at + step < count) look(at + step)
        } else if ((event.key === "Enter" || event.key === " ") && data.picks) {
            event.preventDefault()
            setTriggerValue("picked", at)
        }
    }
    field.onfocus = () => { if (field.matches(":focus-visible")) look(at) }
    field.onblur = () => mark(atRing, null)
    picture.onload = fit
    if (picture.src !== data.picture) picture.src = data.picture
    root.sizes?.disconnect()
    root.sizes = new ResizeObserver(fit)
    root.sizes.observe(root)
    fit()
}
"""


def sheet(
    samples: np.ndarray,
    *,
    key: str,
    alt: str,
    captions: Sequence[str] = (),
    chosen: int | None = None,
    cell: int = 56,
    columns: int | None = None,
    on_pick: Callable[[int], object] | None = None,
) -> None:
    """Draw samples, uint8 (n, h, w, c), about `cell` pixels wide; `on_pick(place)` is called when one is picked.

    As many stand in a row as there is room for, or exactly `columns`. `captions` tell of the sample pointed at, and
    `chosen` is ringed. Without `on_pick` there is nothing to choose, only to look at.
    """
    height, width = samples.shape[1:3]

    def picked() -> None:
        place = st.session_state[key].get("picked")
        # What comes from a browser may be anything.
        if on_pick and type(place) is int and 0 <= place < len(samples):
            on_pick(place)

    component = st.components.v2.component("ganometer_sheet", css=_CSS, js=_JS)
    component(
        key=key,
        data={
            "picture": grid.embedded(grid.grid(samples, columns=columns or IN_A_ROW, scale=1, gap=1)),
            "width": width,
            "height": height,
            "columns": min(columns or IN_A_ROW, len(samples)),
            "table": columns is not None,
            "count": len(samples),
            "captions": list(captions),
            "chosen": chosen,
            "cell": cell,
            "picks": on_pick is not None,
            "alt": alt,
        },
        on_picked_change=picked,
        height="content",
    )
