// Figures per day as charts, drawn from the tables that say the same; without script the tables stay.
(() => {
  "use strict";
  if (typeof uPlot !== "function") return;
  const DAY = 86400;
  const HEIGHT = 220;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const forced = matchMedia("(forced-colors: active)");

  const seconds = (date) => Date.parse(`${date}T00:00:00Z`) / 1000;

  // The days of the figure in seconds, and the count of each; a week at the least.
  const read = (figure, table) => {
    const counts = new Map();
    for (const row of table.tBodies[0].rows) {
      counts.set(seconds(row.querySelector("time").dateTime),
        Number(row.cells[row.cells.length - 1].dataset.count));
    }
    const days = [...counts.keys()].sort((one, other) => one - other);
    let first = figure.dataset.first ? seconds(figure.dataset.first) : days[0];
    const last = figure.dataset.last ? seconds(figure.dataset.last) : days[days.length - 1];
    first = Math.min(first, last - 6 * DAY);
    // Of very long times only what there is: a bar for each day would be thinner than a line.
    if (last - first > 3 * 366 * DAY) return [days, days.map((day) => counts.get(day))];
    const every = [];
    for (let day = first; day <= last; day += DAY) every.push(day);
    return [every, every.map((day) => counts.get(day) || 0)];
  };

  const colours = () => {
    if (forced.matches) return { ink: "CanvasText", line: "CanvasText", bar: "Highlight" };
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(name).trim();
    return { ink: token("--ink"), line: token("--line"), bar: token("--accent") };
  };

  const draw = (place, data) => {
    const { ink, line, bar } = colours();
    const fromRight = document.documentElement.dir === "rtl";
    const font = `13px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const first = data[0][0] - DAY;
    const last = data[0][data[0].length - 1] + DAY;
    return new uPlot({
      width: Math.max(place.clientWidth, 200),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      scales: {
        x: { time: false, dir: fromRight ? -1 : 1, range: () => [first, last] },
        y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.05)] },
      },
      axes: [
        {
          ...axis, grid: { show: false }, space: 90,
          incrs: [1, 2, 5, 10, 15, 30, 60, 90, 180, 365, 730, 1825, 3650].map((days) => days * DAY),
          values: (_plot, splits) => splits.map((at) => new Date(at * 1000).toISOString().slice(
            0, last - first > 300 * DAY ? 7 : 10)),
        },
        {
          ...axis, side: fromRight ? 1 : 3, size: 60,
          incrs: [1, 2, 5].flatMap((step) => [...Array(10).keys()].map((power) => step * 10 ** power))
            .sort((one, other) => one - other),
          values: (_plot, splits) => splits.map(String),
        },
      ],
      series: [{}, { fill: bar, stroke: bar, width: 0, points: { show: false },
        paths: uPlot.paths.bars({ size: [0.7, 48, 2] }) }],
    }, data, place);
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const table = figure.querySelector("table");
    const data = read(figure, table);
    const place = document.createElement("div");
    place.className = "plot no-print";
    place.dir = "ltr";
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", figure.dataset.chart);
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = figure.dataset.table;
    const scroll = table.parentElement;
    scroll.before(place, details);
    details.append(summary, scroll);
    let plot = draw(place, data);
    const anew = () => { plot.destroy(); plot = draw(place, data); };
    dark.addEventListener("change", anew);
    forced.addEventListener("change", anew);
    new ResizeObserver(() => {
      const width = Math.max(place.clientWidth, 200);
      if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }).observe(place);
    // Paper has the table, whatever the screen shows.
    let wasOpen = false;
    addEventListener("beforeprint", () => { wasOpen = details.open; details.open = true; });
    addEventListener("afterprint", () => { details.open = wasOpen; });
  }
})();
