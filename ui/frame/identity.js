export default function ({ setStateValue, data }) {
    let id = ""
    try {
        id = localStorage.getItem("ganometer") || ""
        if (!/^[0-9a-f]{32}$/.test(id)) {
            id = Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("")
            localStorage.setItem("ganometer", id)
        }
    } catch (refused) {
        id = ""  // this browser keeps nothing
    }
    if (id && id !== data.id) setStateValue("id", id)
}
