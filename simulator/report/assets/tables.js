// Tables that sort and filter: those that the page has, and long ones that are made from columns of the data.

/** Return a number if `key` is one, else text in lower case. */
const sortKey = key => (key === "" || isNaN(key) ? String(key).toLowerCase() : Number(key));

function compareKeys(x, y) {
  if (typeof x === "number" && typeof y === "number") return x - y;
  if (typeof x === typeof y) return x < y ? -1 : x > y ? 1 : 0;
  return typeof x === "number" ? -1 : 1;
}

/** Make a row of headings sort: `sort(column, down)` is called, aria-sort says the order. */
function sortable(headings, sort) {
  headings.forEach((heading, column) => {
    const button = element("button", { type: "button" }, ...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "none" ? heading.dataset.first === "down" : heading.getAttribute("aria-sort") === "ascending";
      headings.forEach(each => each.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, down);
    });
  });
}

/** Return whether a row's text has all words of a filter. */
const matches = (row, words) => words.every(word => row.includes(word));
const wordsOf = filter => filter.toLowerCase().split(/\s+/).filter(Boolean);

/** Sort and filter a table that the page has: [data-value] is what a cell sorts by. */
function liveTable(table) {
  const body = table.tBodies[0], rows = [...body.rows];
  const key = (row, column) => sortKey(row.cells[column].dataset.value ?? row.cells[column].textContent);
  sortable([...table.tHead.rows[0].cells], (column, down) => {
    const ordered = [...body.rows].sort((a, b) => compareKeys(key(a, column), key(b, column)));
    body.append(...(down ? ordered.reverse() : ordered));
  });
  const filter = document.querySelector(`input[data-filters="${table.id}"]`);
  if (!table.id || !filter) return;
  const count = document.querySelector(`output[data-counts="${table.id}"]`);
  filter.addEventListener("input", () => {
    const words = wordsOf(filter.value);
    let shown = 0;
    for (const row of rows) shown += !(row.hidden = !matches(row.textContent.toLowerCase(), words));
    count.textContent = `${shown} of ${rows.length}`;
  });
}

for (const table of document.querySelectorAll("table.sorts")) liveTable(table);

const PAGE_ROWS = 50;

/**
 * Make a table of columns [{name, unit, values}] in `holder`, a page of rows at a time.
 * `pick(index)`: called for the row that is clicked. Returns {keep(predicate), pick(index)}.
 */
const ROOMY = 12; // columns of a table whose cells do not break
function longTable(holder, columns, { pick, label } = {}) {
  const count = columns[0]?.values.length ?? 0;
  const words = columns.map(column => typeof column.values.find(v => v !== null && v !== "") === "string");
  const rowText = index => columns.map(c => text(c.values[index], c.unit)).join(" ").toLowerCase();
  let order = [...Array(count).keys()], kept = () => true, filter = [], first = 0, chosen = -1;
  const head = element("tr", {}, ...columns.map((c, i) => element("th", { scope: "col", className: words[i] ? "left" : "", textContent: c.name })));
  const body = element("tbody"), shown = element("output");
  const turn = (words, by) => element("button", { type: "button", textContent: words, onclick: () => { first += by * PAGE_ROWS; show(); } });
  const [back, forth] = [turn("previous", -1), turn("next", 1)];
  const box = element("input", { type: "search", placeholder: "filter", "aria-label": `filter ${label}` });
  function show() {
    const rows = order.filter(i => kept(i) && (!filter.length || matches(rowText(i), filter)));
    first = Math.max(0, Math.min(first, Math.floor((rows.length - 1) / PAGE_ROWS) * PAGE_ROWS));
    shown.textContent = rows.length ? `${first + 1} to ${Math.min(first + PAGE_ROWS, rows.length)} of ${rows.length}` : "none";
    [back.disabled, forth.disabled] = [first === 0, first + PAGE_ROWS >= rows.length];
    body.replaceChildren(...rows.slice(first, first + PAGE_ROWS).map(index => {
      const row = element("tr", { className: index === chosen ? "picked" : "" });
      row.dataset.index = index;
      columns.forEach((c, i) => row.append(element("td", { className: words[i] ? "left" : "", textContent: text(c.values[index], c.unit) })));
      if (pick) Object.assign(row, { tabIndex: 0, onclick: () => pick(index), onkeydown: e => { if (e.key === "Enter") pick(index); } });
      return row;
    }));
  }
  sortable([...head.cells], (column, down) => {
    const values = columns[column].values;
    order.sort((a, b) => compareKeys(values[a] ?? "", values[b] ?? "") || a - b);
    if (down) order.reverse();
    show();
  });
  box.addEventListener("input", () => { filter = wordsOf(box.value); show(); });
  holder.append(
    element("div", { className: "controls" }, box, back, forth, shown),
    element("div", { className: "wide" }, element("table", { className: columns.length > ROOMY ? "fits" : "" }, element("caption", { className: "skip", textContent: label }), element("thead", {}, head), body)),
  );
  show();
  return { keep: predicate => { kept = predicate; first = 0; show(); }, pick: index => { chosen = index; show(); } };
}
