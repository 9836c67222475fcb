const SKIPS = { "skip-to-content": ["Skip to the content", toContent], "skip-to-form": ["Skip to a new run", toStart] }
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

// Where the form is not open, the switch above the page opens it.
function toStart(event) {
    event.preventDefault()
    const start = document.querySelector(START)
    if (start) return start.focus()
    const choices = [...document.querySelectorAll(".st-key-head [role=radio], .st-key-head button")]
    choices.find(choice => choice.textContent.trim() === "New run")?.click()
    const watcher = new MutationObserver(() => {
        const start = document.querySelector(START)
        if (start) watcher.disconnect()
        start?.focus()
    })
    watcher.observe(document.body, { childList: true, subtree: true })
    setTimeout(() => watcher.disconnect(), 5000)
}

// A landmark of their own, so that a screen reader has a name for where they are.
function skips() {
    const place = Object.assign(document.createElement("nav"), { id: "skips", ariaLabel: "Skip" })
    for (const [id, [textContent, go]] of Object.entries(SKIPS)) {
        const link = Object.assign(document.createElement("a"), { id, className: "skip", href: "#", textContent })
        link.addEventListener("click", go)
        place.append(link)
    }
    document.body.prepend(place)
    return place
}

export default function ({ data }) {
    const place = document.getElementById("skips") ?? skips()
    place.querySelector("#skip-to-form").hidden = data.here !== "train"
    mark()
    const menu = document.querySelector(".st-key-menu")
    const watcher = new MutationObserver(mark)
    if (menu) watcher.observe(menu, { childList: true, subtree: true, attributeFilter: ["class"] })
    return () => watcher.disconnect()
}
