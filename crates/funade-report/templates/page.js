
"use strict";
// The page's own script: it filters the matrix and the findings, and fills the panel of a target.
// The matrix is there without it. Every text is set as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const matrix = by("matrix");
const heads = [...matrix.tHead.rows[0].cells].slice(1);
const waves = [...matrix.tBodies];

// Cells and targets stand in the same order, so that neither needs to name the other.
let next = 0;
const rows = [...matrix.querySelectorAll("tr[data-environment]")].map((row) => ({
  row,
  cells: [...row.cells].slice(1).map((cell) => {
    const button = cell.firstElementChild;
    return { cell, button, target: button && data.targets[next++] };
  }),
}));
const buttons = rows.flatMap((row) => row.cells.filter((cell) => cell.button));
const targetOf = new Map(buttons.map(({ button, target }) => [button, target]));
const items = [...document.querySelectorAll("#findings li")];

// Filters: states are alternatives, words must all be there.

const choices = [...document.querySelectorAll("#filters [data-state]")];
const words = by("words");

function filter() {
  const states = new Set(choices.filter((c) => c.ariaPressed === "true").map((c) => c.dataset.state));
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = states.size === 0 && wanted.length === 0;
  const named = (name) => wanted.every((word) => name.includes(word));
  const matches = (target) => (states.size === 0 || states.has(target.state)) && named(target.id);
  const columns = heads.map(() => all);
  const shown = new Set();
  for (const { row, cells } of rows) {
    let any = all;
    cells.forEach(({ cell, target }, column) => {
      if (!target) return;
      const on = matches(target);
      cell.classList.toggle("off", !on);
      if (!on) return;
      any = true;
      columns[column] = true;
      shown.add(target);
    });
    row.hidden = !any;
  }
  // A column is hidden cell by cell, and only where that changes: ten thousand cells take time.
  heads.forEach((head, column) => {
    if (head.hidden === !columns[column]) return;
    head.hidden = !columns[column];
    for (const { cells } of rows) cells[column].cell.hidden = head.hidden;
  });
  for (const wave of waves) {
    wave.hidden = ![...wave.rows].some((row) => "environment" in row.dataset && !row.hidden);
  }
  filterFindings(all, named, shown);
  by("scroll").hidden = !all && shown.size === 0;
  by("nothing").hidden = all || shown.size > 0;
  by("shown").textContent = all ? "" : `${shown.size} of ${data.targets.length} targets`;
}

// A finding about a target goes with its cell; of a service or a place, with its name. As many as
// before stand in the open, so that the matrix stays where it is.
const lists = [...document.querySelectorAll("#findings ul")];
const openMax = lists[0]?.children.length;

function filterFindings(all, named, shown) {
  if (lists.length === 0) return;
  const told = items.filter((item, index) => {
    const link = item.querySelector("[data-target]");
    if (all) return true;
    return link ? shown.has(data.targets[link.dataset.target]) : named(data.findings[index].about);
  });
  lists[0].replaceChildren(...told.slice(0, openMax));
  by("findings-size").textContent = all ? "" : `${told.length} of`;
  if (lists.length === 1) return;
  const rest = told.slice(openMax);
  lists[1].replaceChildren(...rest);
  const details = lists[1].parentElement;
  details.hidden = rest.length === 0;
  details.querySelector("summary").textContent = `${rest.length} more`;
}

for (const choice of choices) {
  choice.addEventListener("click", () => {
    choice.ariaPressed = String(choice.ariaPressed !== "true");
    filter();
  });
}
words.addEventListener("input", filter);
by("filters").addEventListener("submit", (event) => event.preventDefault());

// The panel.

const panel = by("panel");

function element(name, content, style) {
  const made = document.createElement(name);
  if (style) made.className = style;
  made.append(...[content].flat().filter((part) => part !== undefined));
  return made;
}

function facts(target) {
  const environment = target.id.split("/")[0];
  const list = element("dl", []);
  const add = (name, content) => {
    if (content !== undefined) list.append(element("dt", name), element("dd", content));
  };
  add("State", element("span", target.state, `badge ${target.state}`));
  add("Release", target.release ?? element("span", "not known", "none"));
  if (target.assigned !== target.release) add("Assigned", target.assigned);
  add("Revision", target.revision);
  add("Standing", target.sentence ? `${target.sentence}.` : element("span", "no pass has looked at it yet", "none"));
  add("Since", target.since);
  add("Where", data.environments[environment]);
  return list;
}

function findings(target) {
  const found = (target.findings ?? []).map((index) => data.findings[index]);
  if (found.length === 0) return element("p", "Nothing was found.", "none");
  return element("ul", found.map((finding) => {
    const about = finding.about === target.id ? undefined : element("span", `about ${finding.about}`);
    const head = [
      element("b", finding.severity, "severity"), about,
      element("span", finding.kind, "kind"), element("span", `since ${finding.since}`, "since"),
    ];
    return element("li", [
      element("p", head, "about"),
      element("p", [`${finding.sentence}. `, element("span", `Next: ${finding.next}.`, "next")]),
    ], finding.severity);
  }));
}

const bad = new Set(["failed", "timed-out", "rolled-back", "rolling-back"]);

function history(target) {
  const deploys = target.history ?? [];
  if (deploys.length === 0) return element("p", "No deploy was begun here.", "none");
  const head = ["Deploy", "Release", "Phase", "Begun (UTC)", "Took", "Cause"];
  const lines = deploys.map((deploy) => element("tr", [
    element("td", String(deploy.number)), element("td", deploy.release),
    element("td", deploy.phase, bad.has(deploy.phase) ? "bad" : ""),
    element("td", deploy.begun), element("td", deploy.took),
    element("td", [deploy.cause, deploy.why && element("div", `${deploy.why}.`, "why")].filter(Boolean)),
  ]));
  const table = element("table", [
    element("thead", element("tr", head.map((name) => element("th", name)))), element("tbody", lines),
  ]);
  return element("div", table, "history");
}

function open(target) {
  by("panel-title").textContent = target.id;
  by("panel-content").replaceChildren(
    facts(target), element("h3", "Findings"), findings(target),
    element("h3", "Deploys"), history(target),
  );
  panel.showModal();
  by("panel-content").scrollTop = 0;
}

matrix.addEventListener("click", (event) => {
  const target = targetOf.get(event.target.closest("button"));
  if (target) open(target);
});
for (const link of document.querySelectorAll("#findings [data-target]")) {
  link.addEventListener("click", () => open(data.targets[link.dataset.target]));
}
by("close").addEventListener("click", () => panel.close());
// A click beside the panel meets the dialog itself, whose content covers it.
panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });

// Arrow keys go from cell to cell, over those that are hidden or empty.
const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
matrix.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  let row = rows.findIndex(({ row }) => row === event.target.closest("tr"));
  if (!step || row < 0 || !targetOf.has(event.target)) return;
  event.preventDefault();
  let column = rows[row].cells.findIndex(({ button }) => button === event.target);
  for (;;) {
    row += step[0];
    column += step[1];
    const cell = rows[row]?.cells[column];
    if (!cell) return;
    const hidden = rows[row].row.hidden || cell.cell.hidden || cell.cell.classList.contains("off");
    if (cell.button && !hidden) return cell.button.focus();
  }
});
