"use strict";
// Pages: the run, or the gene that the address names after #. Without scripts all are shown.
const root = document.documentElement;
const pages = [...document.querySelectorAll(".page")];
root.dataset.drawn = "0";
root.dataset.errors = "";
window.addEventListener("error", (event) => { root.dataset.errors += event.message + "\n"; });

function draw(page) {
  for (const place of page.querySelectorAll(".chart:not([data-state])")) {
    place.dataset.state = "drawing";
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    // Specifications hold all of their data: nothing is ever loaded.
    const loader = { load: () => Promise.reject(new Error("nothing is loaded")) };
    const options = { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, loader };
    vegaEmbed(place, spec, options)
      .then(() => { place.dataset.state = "drawn"; root.dataset.drawn = +root.dataset.drawn + 1; })
      .catch((error) => { place.dataset.state = "failed"; root.dataset.errors += error + "\n"; });
  }
}

function show() {
  const name = decodeURIComponent(location.hash.slice(1));
  const page = pages.find((each) => each.id === name) || pages[0];
  for (const each of pages) each.hidden = each !== page;
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = decodeURIComponent(link.hash.slice(1)) === page.id;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (window.vegaEmbed) draw(page);
  requestAnimationFrame(() => window.scrollTo(0, 0));
}
window.addEventListener("hashchange", show);
show();

function value(row, column) {
  const cell = row.cells[column];
  if (!cell) return "";  // the one before takes its place
  const text = cell.dataset.value ?? cell.textContent;
  const number = parseFloat(text.replace(/,/g, ""));
  return Number.isNaN(number) || cell.classList.contains("text") ? text : number;
}
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const isText = head.classList.contains("text");
      const way = head.ariaSort === (isText ? "ascending" : "descending") ? -1 : 1;
      const sign = isText ? way : -way;
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.ariaSort = sign > 0 ? "ascending" : "descending";
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      const compare = ([a], [b]) => sign * (typeof a === "number" && typeof b === "number"
        ? a - b : String(a).localeCompare(String(b)));
      body.append(...rows.sort(compare).map(([, row]) => row));
    });
  });
}
for (const field of document.querySelectorAll("input[data-table]")) {
  const rows = document.getElementById(field.dataset.table).tBodies[0].rows;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
// For tests: draw every page, as if each had been looked at.
window.drawAll = () => { for (const page of pages) { page.hidden = false; draw(page); } };
if (location.search === "?all") window.drawAll();
