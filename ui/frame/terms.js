// A word that explains itself (glossary.py): its explanation stays inside the window, and Escape closes it.
const EDGE = 8

function open({ target }) {
    const word = target.closest?.(".term")
    const text = word?.querySelector(".term-explained")
    if (!text) return
    text.style.translate = ""
    const [at, box] = [word.getBoundingClientRect(), text.getBoundingClientRect()]
    const left = Math.max(EDGE, Math.min(box.left, document.documentElement.clientWidth - EDGE - box.width))
    const above = at.top - box.height
    const top = box.bottom > innerHeight - EDGE && above > EDGE ? above : box.top
    text.style.translate = `${left - box.left}px ${top - box.top}px`
}

function escape(event) {
    if (event.key !== "Escape") return
    const words = document.querySelectorAll(".term:not(.closed):is(:hover, :focus)")
    for (const word of words) word.classList.add("closed")
    if (words.length) event.stopPropagation() // the dialog around it stays open
}

function leave({ target, relatedTarget }) {
    const word = target.closest?.(".term")
    if (word && !word.contains(relatedTarget)) word.classList.remove("closed")
}

if (!document.documentElement.dataset.terms) {
    document.documentElement.dataset.terms = "heard"
    for (const name of ["pointerover", "focusin"]) document.addEventListener(name, open)
    for (const name of ["pointerout", "focusout"]) document.addEventListener(name, leave)
    document.addEventListener("keydown", escape, true)
}
