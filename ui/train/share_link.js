export default function ({ data, parentElement }) {
    const field = parentElement.querySelector("input")
    const button = parentElement.querySelector("button")
    const status = parentElement.querySelector("[role=status]")
    const link = `${location.origin}${location.pathname}?${data.query}`
    if (field.value !== link) status.textContent = ""
    field.value = link
    field.onfocus = () => field.select()
    button.onclick = async () => {
        let copied = false
        try {
            await navigator.clipboard.writeText(link)
            copied = true
        } catch (refused) {  // no permission, or a page without https, which has no clipboard
            field.focus()
            copied = document.execCommand("copy")
        }
        if (!copied) field.focus()
        status.textContent = copied ? "Copied." : "This browser does not let a page copy: press Ctrl+C, or Cmd+C."
    }
}
