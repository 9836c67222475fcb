const SKIPS = { "skip-to-content": ["Skip to the content", toContent], "skip-to-form": ["Skip to Start training", toStart] }
const START = ".st-key-start-bar button"

function mark() {
    for (const link of document.querySelectorAll(".st-key-menu a")) {
        if (link.closest(".st-key-here")) link.setAttribute("aria-current", "page")
        else link.removeAttribute("aria-current")
    }
}

function toContent(event) {
    event.preventDefault()
    const heading = document.querySelector("[data-testid=stMainBlockContainer] h1")
    if (!heading) return
    heading.tabIndex = -1
    heading.focus()
}

// The form may be in a tab that is not open.
function toStart(event) {
    event.preventDefault()
    const button = document.querySelector(START)
    const panel = button?.closest("[role=tabpanel]")
    if (panel) document.getElementById(panel.getAttribute("aria-labelledby"))?.click()
    button?.focus()
}

export default function ({ data }) {
    for (const [id, [textContent, go]] of Object.entries(SKIPS).reverse()) {
        let link = document.getElementById(id)
        if (!link) {
            link = Object.assign(document.createElement("a"), { id, className: "skip", href: "#", textContent })
            link.addEventListener("click", go)
            document.body.prepend(link)
        }
        if (id === "skip-to-form") link.hidden = data.here !== "train"
    }
    mark()
    const menu = document.querySelector(".st-key-menu")
    const watcher = new MutationObserver(mark)
    if (menu) watcher.observe(menu, { childList: true, subtree: true, attributeFilter: ["class"] })
    return () => watcher.disconnect()
}
