"use strict";

const study = JSON.parse(document.getElementById("data").textContent);
const FILTERS = {technology: "Technology", target: "Target", design: "Design", format: "Format",
                 selector: "Selector", pipeline: "Weights registered", goal: "Mapped for"};
const COLORS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c8c8c",
                "#b8a900", "#6a51a3", "#a65628", "#1b9e77", "#e7298a", "#525252"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
const CONFIG = {responsive: true, displaylogo: false,
                modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"]};

const at = id => document.getElementById(id);
const distinct = values => [...new Set(values)];
const number = (value, digits = 4) => value === null || value === undefined ? ""
  : typeof value === "number" ? Number(value.toPrecision(digits)).toLocaleString("en")
  : String(value);
const technologies = () => distinct(study.designs.map(row => row.technology));
const color = (list, item) => COLORS[list.indexOf(item) % COLORS.length];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element("option", {value}, text)));
  if (entries.some(([value]) => value === chosen)) select.value = chosen;
  select.closest("label").hidden = !entries.length;
}

// ---- which rows are shown

function buildFilters() {
  const form = at("filters");
  for (const [key, title] of Object.entries(FILTERS)) {
    const values = distinct(study.designs.map(row => row[key]));
    if (values.length < 2) continue;
    const field = element("fieldset", {}, element("legend", {}, title));
    for (const value of values) {
      const box = element("input", {type: "checkbox", name: key, value});
      box.defaultChecked = key !== "design" || value === study.main || !study.main;
      field.append(element("label", {}, box, ` ${value || "none"}`));
    }
    form.append(field);
  }
  form.append(element("button", {type: "reset", class: "reset"}, "All filters as they were"));
  form.addEventListener("change", drawRows);
  form.addEventListener("reset", () => setTimeout(drawRows));
}

function shownRows(without = "") {
  const boxes = [...at("filters").querySelectorAll("input")].filter(box => box.name !== without);
  const keys = distinct(boxes.map(box => box.name));
  return study.designs.filter(row => keys.every(key => boxes.some(
    box => box.name === key && box.checked && box.value === row[key])));
}

// ---- plots

function layout(x, y, more = {}) {
  const style = getComputedStyle(document.documentElement);
  const of = name => style.getPropertyValue(name).trim();
  const axis = title => ({title: {text: title}, gridcolor: of("--line"), zeroline: false,
                          linecolor: of("--line"), automargin: true});
  return {paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
          font: {color: of("--ink"), family: "system-ui, sans-serif"},
          margin: {l: 55, r: 10, t: 10, b: 45}, xaxis: axis(x), yaxis: axis(y),
          legend: {orientation: "h", y: -0.22}, hoverlabel: {align: "left"}, bargap: 0.35,
          modebar: {bgcolor: "rgba(0,0,0,0)", color: of("--soft"), activecolor: of("--accent")},
          colorway: COLORS, ...more};
}

function plot(id, traces, x, y, more, empty) {
  const made = layout(x, y, more);
  if (!traces.some(trace => trace.x.length)) {
    made.annotations = [{text: empty, showarrow: false, xref: "paper", yref: "paper", x: 0.5,
                         y: 0.5}];
    made.xaxis.visible = made.yaxis.visible = false;
  }
  Plotly.react(at(id), traces, made, CONFIG);
}

function configuration(row, more) {
  const given = Object.entries(row.parameters).map(([key, value]) => `${key} ${value}`);
  const lines = [`<b>${row.design} ${row.pattern}</b> on ${row.technology} (${row.target})`,
                 `${row.format}, mapped for ${row.goal}`,
                 [row.selector && `selector ${row.selector}`, row.gather && `gather ${row.gather}`,
                  row.pipeline && `weights registered: ${row.pipeline}`]
                   .filter(Boolean).join(", "),
                 given.join(", "), ...more];
  return lines.filter(Boolean).join("<br>");
}

function details(row) {
  const library = study.libraries[row.technology] || {};
  return [`area ${number(row.area, 6)} ${library.area_unit || ""}, ${number(row.gates, 6)} GE`,
          row.whole !== null && `with memories ${number(row.whole, 6)} ${library.area_unit || ""}`,
          `longest path ${number(row.delay)} ${library.time_unit || ""}`,
          row.energy && `energy of a product ${number(row.energy.product)} ${row.energy.unit}`,
          row.relative_area !== null && `over the smallest dense: area ${number(row.relative_area, 3)}`
            + (row.relative_energy === null ? "" : `, energy ${number(row.relative_energy, 3)}`)]
    .filter(Boolean);
}

function front(points, sign) {
  let best = Infinity;
  return [...points].sort((a, b) => sign * (a.x - b.x) || a.y - b.y)
    .filter(point => point.y < best && ((best = point.y), true));
}

function drawLoss(id, rows, curve, key, title, sign = 1) {
  const known = distinct(study.designs.filter(row => row[key] !== null).map(row => row.design));
  const names = technologies();
  const points = rows.filter(row => row[key] !== null && row.pattern in curve.loss)
    .map(row => ({row, x: row[key], y: curve.loss[row.pattern]}));
  const traces = study.patterns.map(pattern => {
    const own = points.filter(point => point.row.pattern === pattern);
    return {type: "scatter", mode: "markers", name: pattern, x: own.map(p => p.x),
            y: own.map(p => p.y),
            text: own.map(p => configuration(p.row, [...details(p.row),
              `loss ${number(p.y)} ${curve.unit}`])),
            hovertemplate: "%{text}<extra></extra>",
            marker: {size: 11, color: color(study.patterns, pattern),
                     symbol: own.map(p => SYMBOLS[names.indexOf(p.row.technology) % SYMBOLS.length])}};
  }).filter(trace => trace.x.length);
  const kept = curve.worse === "down" ? [] : front(points, sign);
  if (kept.length) {
    traces.push({type: "scatter", mode: "lines", name: "Pareto front", x: kept.map(p => p.x),
                 y: kept.map(p => p.y), hoverinfo: "skip",
                 line: {dash: "dot", width: 1.5, shape: "hv", color: "#888"}});
  }
  plot(id, traces, title, curve.title, {},
       `no figures for what is chosen${known.length ? `; known of: ${known.join(", ")}` : ""}`);
  if (curve.worse === "down") Plotly.relayout(at(id), {"yaxis.autorange": "reversed"});
}

function drawRows() {
  const rows = shownRows();
  const curve = study.curves[Number(at("curve").value)] || {loss: {}, unit: "", title: "loss"};
  const area = at("area-of").value || "relative_area";
  const shapes = technologies().map((name, k) => `${SYMBOLS[k % SYMBOLS.length]} ${name}`);
  at("shown").textContent = `${rows.length} of ${study.designs.length} designs are shown.`
    + (shapes.length > 1 ? ` Markers: ${shapes.join(", ")}.` : "");
  drawLoss("plot-area", rows, curve, area, "area, smallest dense = 1");
  // Where no energy of a whole design is known, that of its parts says as much as there is.
  const powered = rows => rows.filter(row => row.relative_energy !== null);
  const known = powered(rows).length ? rows : powered(shownRows("design"));
  const names = distinct(powered(known).map(row => row.design)).join(", ");
  drawLoss("plot-energy", known, curve, "relative_energy", `energy (${names}), smallest dense = 1`);
  drawLoss("plot-throughput", rows, curve, "relative_throughput", "work for area and time, dense = 1",
           -1);
  fill("table-designs", study.columns.designs, rows);
}

function drawParts() {
  const name = at("parts-technology").value, design = at("parts-design").value;
  const energy = at("parts-of").value === "energy", logic = at("parts-of").value === "logic";
  const rows = study.designs.filter(row => row.technology === name && row.design === design
    && (energy ? row.energy && row.energy.parts : Object.keys(row.parts).length))
    .sort(compareCells("pattern", 1));
  const label = row => [row.dense ? `${row.pattern} dense` : row.pattern, row.selector && rows.some(
    other => other.pattern === row.pattern && other.selector !== row.selector) ? row.selector : "",
    rows.some(other => other.pattern === row.pattern && other.pipeline !== row.pipeline)
      ? row.pipeline : "", row.options].filter(Boolean).join(" ");
  const scale = row => energy ? 1 : row.gates / row.area / (row.products || 1);
  const of = row => energy ? row.energy.parts : row.parts;
  const known = distinct(rows.flatMap(row => Object.keys(of(row))));
  const all = distinct([...study.parts, ...known]), parts = all.filter(
    part => known.includes(part) && !(logic && part === "memories"));
  const traces = parts.map(part => ({
    type: "bar", name: part, x: rows.map(label), y: rows.map(row => (of(row)[part] || 0) * scale(row)),
    marker: {color: color(all, part)},
    hovertemplate: `${part}: %{y:.4g}<extra>%{x}</extra>`}));
  const unit = energy ? `energy, ${rows.length ? rows[0].energy.unit : ""}`
    : `GE${rows.some(row => row.products) ? " a product" : ""}`;
  plot("plot-parts", traces, "", unit, {barmode: "stack", legend: {orientation: "h", y: -0.15, traceorder: "normal"}},
       "no figures by part for what is chosen");
}

function drawTokens() {
  const rows = study.tokens.filter(row => ["technology", "model", "phase"].every(
    key => row[key] === at(`token-${key}`).value)).sort(compareCells("pattern", 1));
  for (const [id, key, unit] of [["plot-time", "time", "time_unit"],
                                 ["plot-token-energy", "energy", "energy_unit"]]) {
    const own = rows.filter(row => row[key] !== null);
    const trace = {type: "bar", x: own.map(row => row.pattern), y: own.map(row => row[key]),
                   text: own.map(row => row.design), textposition: "none",
                   marker: {color: own.map(row => color(study.patterns, row.pattern))},
                   hovertemplate: "%{x}: %{y:.4g}<br>%{text}<extra></extra>"};
    plot(id, [trace], "", `${key} of a token, ${own.length ? own[0][unit] : ""}`,
         {showlegend: false}, "no figures for what is chosen");
  }
}

// ---- tables

function compareCells(key, direction) {
  const place = row => key === "pattern" ? study.patterns.indexOf(row[key]) : row[key];
  return (one, other) => {
    const [a, b] = [place(one), place(other)];
    if (a === b) return 0;
    if (a === null || a === undefined || a === "") return 1;
    if (b === null || b === undefined || b === "") return -1;
    return direction * (typeof a === "number" && typeof b === "number" ? a - b
      : String(a).localeCompare(String(b), "en", {numeric: true}));
  };
}

function fill(id, columns, rows) {
  const table = at(id), sorted = table.querySelector("th[aria-sort]");
  table.parentElement.hidden = !rows.length && id !== "table-designs";
  let head = table.tHead;
  if (!head) {
    head = table.createTHead();
    const line = head.insertRow();
    for (const [key, title, kind] of columns) {
      const button = element("button", {type: "button"}, title);
      const cell = element("th", {scope: "col", "data-key": key, ...(kind && {class: "text"})},
                           button);
      button.addEventListener("click", () => {
        const up = cell.getAttribute("aria-sort") !== "ascending";
        head.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        fill(id, columns, table.rowsShown);
      });
      line.append(cell);
    }
    table.createTBody();
  }
  table.rowsShown = rows;
  const ordered = sorted ? [...rows].sort(compareCells(
    sorted.dataset.key, sorted.getAttribute("aria-sort") === "ascending" ? 1 : -1)) : rows;
  table.tBodies[0].replaceChildren(...ordered.map(row => element("tr", {}, ...columns.map(
    ([key, , kind]) => element("td", kind ? {class: kind} : {}, number(row[key], 5))))));
}

// ---- all of it

function drawAll() {
  drawRows();
  drawParts();
  drawTokens();
}

function start() {
  buildFilters();
  options(at("curve"), study.curves.map((curve, k) => [String(k), curve.name]), "0");
  const wholes = study.designs.some(row => row.relative_whole !== null);
  options(at("area-of"), [...(wholes ? [["relative_whole", "with memories"]] : []),
                          ["relative_area", "of the logic"]]);
  const having = study.designs.filter(row => Object.keys(row.parts).length);
  const names = key => distinct(having.map(row => row[key])).map(name => [name, name]);
  options(at("parts-technology"), names("technology"));
  options(at("parts-design"), names("design"), study.main);
  const energies = study.designs.some(row => row.energy && row.energy.parts);
  options(at("parts-of"), [["logic", "area of the logic"],
                           ["whole", "area with memories"], ...(energies ? [["energy", "energy"]] : [])]);
  for (const key of ["technology", "model", "phase"]) {
    options(at(`token-${key}`), distinct(study.tokens.map(row => row[key])).map(n => [n, n]));
    at(`token-${key}`).addEventListener("change", drawTokens);
  }
  at("no-tokens").hidden = study.tokens.length > 0;
  for (const id of ["curve", "area-of"]) at(id).addEventListener("change", drawRows);
  for (const id of ["parts-technology", "parts-design", "parts-of"])
    at(id).addEventListener("change", drawParts);
  fill("table-fpga", study.columns.fpga, study.fpga);
  fill("table-accuracy", study.columns.accuracy, study.accuracy);
  fill("table-tokens", study.columns.tokens, study.tokens);
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", drawAll);
  addEventListener("afterprint", drawAll);
}

start();
