// The relations of an object as a graph; the table above it says the same.
(async () => {
  "use strict";
  const box = document.getElementById("graph");
  if (!box || typeof cytoscape !== "function") return;
  const load = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.ok ? answer.json() : null;
  };
  const found = await load(box.dataset.graph);
  if (!found || found.nodes.length < 2) return;

  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const node = (one) => ({
    group: "nodes", data: { id: one.id, label: `${one.type}\n${one.name || ""}`.trim().slice(0, 60) },
  });
  const edge = (one) => ({
    group: "edges",
    data: {
      id: `${one.source} ${one.word} ${one.target}`, source: one.source, target: one.target,
      label: one.word,
    },
  });
  box.hidden = false;
  const graph = cytoscape({
    container: box,
    elements: [...found.nodes.map(node), ...found.edges.map(edge)],
    style: [
      { selector: "node", style: { label: "data(label)", "text-wrap": "wrap", "font-size": 11,
        color: colour("--ink"), "background-color": colour("--accent"), width: 18, height: 18,
        "text-valign": "bottom", "text-margin-y": 4, "text-max-width": 140 } },
      { selector: "edge", style: { label: "data(label)", "font-size": 9, color: colour("--soft"),
        "line-color": colour("--field-line"), "target-arrow-color": colour("--field-line"),
        "target-arrow-shape": "triangle", "curve-style": "bezier", width: 1 } },
    ],
    layout: { name: "dagre", rankDir: "LR", animate: false },
  });
  // One step further from the object that is chosen, up to 300 in all.
  graph.on("tap", "node", async (event) => {
    if (graph.nodes().length >= 300) return;
    const address = box.dataset.object.replace("ID", encodeURIComponent(event.target.id()));
    const more = await load(`${address}?format=graph`);
    if (!more) return;
    const nodes = more.nodes.filter((one) => graph.getElementById(one.id).empty());
    graph.add(nodes.slice(0, 300 - graph.nodes().length).map(node));
    graph.add(more.edges.map(edge).filter((one) =>
      graph.getElementById(one.data.id).empty() &&
      graph.getElementById(one.data.source).nonempty() &&
      graph.getElementById(one.data.target).nonempty()));
    graph.layout({ name: "dagre", rankDir: "LR", animate: false }).run();
  });
})();
