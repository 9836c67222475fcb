let shown = ""

export default function ({ data }) {
    if (!data.run || data.run === shown) return
    shown = data.run
    document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 })
    const heading = document.querySelector("[data-testid=stMainBlockContainer] h1")
    if (!heading) return
    heading.tabIndex = -1
    heading.focus({ preventScroll: true })
}
