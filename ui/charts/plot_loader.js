// Fetches what draws all charts, once a page, from beside the page, whatever path leads there.
const fetched = (name) => import(new URL(`app/static/${name}`, document.baseURI).href);
const newest = new WeakMap();

export default async function (component) {
  const { data, parentElement } = component;
  const say = (words) => (parentElement.querySelector(".note").textContent = words);
  const late = setTimeout(say, 5000, "What draws the charts is still on its way …");
  newest.set(parentElement, component);
  try {
    const [{ show }] = await Promise.all([fetched(data.script), fetched(data.library)]);
    say("");
    if (newest.get(parentElement) === component) return show(component, window.Plotly);
  } catch (error) {
    say("This chart could not be drawn: what draws it did not arrive. Load this page again. (" + error.message + ")");
  } finally {
    clearTimeout(late);
  }
}
