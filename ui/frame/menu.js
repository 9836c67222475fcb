const SKIP = "skip-to-content"

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

export default function () {
    if (!document.getElementById(SKIP)) {
        const link = Object.assign(document.createElement("a"), { id: SKIP, href: "#", textContent: "Skip to the content" })
        link.addEventListener("click", toContent)
        document.body.prepend(link)
    }
    mark()
    const menu = document.querySelector(".st-key-menu")
    const watcher = new MutationObserver(mark)
    if (menu) watcher.observe(menu, { childList: true, subtree: true, attributeFilter: ["class"] })
    return () => watcher.disconnect()
}
