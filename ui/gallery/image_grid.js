const ROOM = 176

export default function ({ parentElement, data, setTriggerValue }) {
    let root = parentElement.querySelector(".image-grid")
    if (!root) {
        root = document.createElement("div")
        root.className = "image-grid"
        root.innerHTML = '<div class="cells" tabindex="0" role="listbox"><canvas></canvas>' +
            '<div class="ring chosen"></div><div class="ring at"></div></div>' +
            '<div class="enlarged"><canvas></canvas><div aria-live="polite"></div></div>'
        root.picture = new Image()
        parentElement.appendChild(root)
    }
    const [cells, enlarged] = root.children, [all, large] = root.querySelectorAll("canvas")
    const [chosenRing, atRing] = cells.querySelectorAll(".ring"), picture = root.picture
    const { width, height, columns, count, captions, chosen } = data, gap = 1
    let at = chosen ?? Math.min(root.at ?? 0, count - 1), across = columns, scale = 1

    const place = (index, columns) => [(index % columns) * (width + gap), Math.floor(index / columns) * (height + gap)]

    function fit() {
        const whole = root.clientWidth
        if (!whole) return
        const room = whole > 480 ? whole - ROOM - 16 : whole, pixels = window.devicePixelRatio || 1
        if (data.table) {
            scale = Math.min(data.cell / width, (room + gap) / (columns * (width + gap)))
        } else {
            // A whole number of the screen's pixels for every pixel of a sample, and as many columns as there is room.
            scale = Math.max(1, Math.floor(data.cell / width * pixels)) / pixels
            across = Math.max(1, Math.min(count, Math.floor((room / scale + gap) / (width + gap))))
        }
        const rows = Math.ceil(count / across)
        all.width = across * (width + gap) - gap
        all.height = rows * (height + gap) - gap
        cells.style.width = all.width * scale + "px"
        cells.style.height = all.height * scale + "px"
        const factor = Math.max(1, Math.floor(ROOM / Math.max(width, height)))
        large.width = width
        large.height = height
        large.style.width = width * factor + "px"
        large.style.height = height * factor + "px"
        if (picture.naturalWidth) {
            const paper = all.getContext("2d")
            for (let index = 0; index < count; index++) {
                const from = place(index, columns), to = place(index, across)
                paper.drawImage(picture, ...from, width, height, ...to, width, height)
            }
            cells.dataset.drawn = count
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
        enlarged.lastElementChild.textContent = words
        cells.setAttribute("aria-label", data.alt + (pointed ? ". Number " + (index + 1) + ". " + words : ""))
        if (picture.naturalWidth) {
            large.getContext("2d").drawImage(picture, ...place(index, columns), width, height, 0, 0, width, height)
        }
    }
    function under(event) {
        const box = cells.getBoundingClientRect()
        const column = Math.floor((event.clientX - box.left) / ((width + gap) * scale))
        const row = Math.floor((event.clientY - box.top) / ((height + gap) * scale))
        const index = row * across + column
        return column >= 0 && column < across && row >= 0 && index < count ? index : null
    }
    // A finger that moves over a plane draws along it; over a list of samples it scrolls the page.
    cells.style.touchAction = data.table ? "none" : ""
    cells.onpointerdown = event => { const index = under(event); if (data.table && index !== null) look(index) }
    cells.onpointermove = event => { const index = under(event); if (index !== null) look(index) }
    cells.onpointerleave = () => { mark(atRing, null); look(Number.isInteger(chosen) ? chosen : at, false) }
    cells.onclick = event => {
        const index = under(event)
        if (index === null) return
        look(index)
        if (data.picks) setTriggerValue("picked", index)
    }
    cells.onkeydown = event => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key]
        if (step !== undefined) {
            event.preventDefault()
            if (at + step >= 0 && at + step < count) look(at + step)
        } else if ((event.key === "Enter" || event.key === " ") && data.picks) {
            event.preventDefault()
            setTriggerValue("picked", at)
        }
    }
    cells.onfocus = () => { if (cells.matches(":focus-visible")) look(at) }
    cells.onblur = () => mark(atRing, null)
    picture.onload = fit
    if (picture.src !== data.picture) picture.src = data.picture
    root.sizes?.disconnect()
    root.sizes = new ResizeObserver(fit)
    root.sizes.observe(root)
    fit()
}
