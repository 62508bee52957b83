// Tables: sort, filter, turn pages, download. Rows are columns of JSON; only the page in view is in the document.
const COLLATOR = new Intl.Collator(["zh-CN", "en"], { numeric: true });

function tableItem(el, data) {
  const spec = data.tables[+el.dataset.table];
  const body = el.querySelector("tbody");
  if (!body) return;
  const heads = [...el.querySelectorAll("thead th")];
  const columns = spec.columns.map(reader);
  const state = { page: 0, sort: -1, descending: false, words: [], rows: Array.from({ length: spec.total }, (_, i) => i) };
  let haystack = null;

  function reader(column) {
    const values = column.index ? column.index.map((place) => column.distinct[place]) : column.values;
    return { ...column, values };
  }

  function texts() {
    haystack = haystack || Array.from({ length: spec.total }, (_, row) =>
      columns.map((column) => printed(column.values[row], column.format)).join("\t").toLowerCase());
    return haystack;
  }

  function arrange() {
    let rows = Array.from({ length: spec.total }, (_, i) => i);
    if (state.words.length) {
      const found = texts();
      rows = rows.filter((row) => state.words.every((word) => found[row].includes(word)));
    }
    if (state.sort >= 0) {
      const { values } = columns[state.sort];
      const sign = state.descending ? -1 : 1;
      const rank = ranks(values);
      rows.sort((a, b) => {
        if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null) || a - b;
        return sign * (rank(a) - rank(b)) || a - b;
      });
    }
    state.rows = rows;
    state.page = 0;
    show();
  }

  // Numbers stand before text; text is compared once per distinct value.
  function ranks(values) {
    const words = [...new Set(values.filter((value) => typeof value === "string"))].sort(COLLATOR.compare);
    if (!words.length) return (row) => values[row];
    const place = new Map(words.map((word, i) => [word, i]));
    return (row) => (typeof values[row] === "string" ? 1e300 * (1 + place.get(values[row]) / words.length) : values[row]);
  }

  function show() {
    const start = state.page * spec.page;
    const rows = state.rows.slice(start, start + spec.page);
    body.replaceChildren(...rows.map(line));
    if (!rows.length) {
      const cell = document.createElement("td");
      cell.colSpan = columns.length;
      cell.textContent = "No row matches.";
      body.append(document.createElement("tr"));
      body.firstChild.append(cell);
    }
    heads.forEach((head, i) => {
      if (i === state.sort) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const range = el.querySelector(".range");
    if (!range) return;
    const of = grouped(state.rows.length, 0) + (state.words.length ? ` (${grouped(spec.total, 0)} in all)` : "");
    range.textContent = `${rows.length ? grouped(start + 1, 0) : 0}–${grouped(start + rows.length, 0)} of ${of}`;
    const last = lastPage();
    el.querySelectorAll("[data-turn]").forEach((button) => {
      button.disabled = ["first", "back"].includes(button.dataset.turn) ? state.page === 0 : state.page >= last;
    });
  }

  function line(row) {
    const tr = document.createElement("tr");
    for (const column of columns) {
      const value = column.values[row];
      const td = document.createElement("td");
      td.className = column.kind;
      const text = printed(value, column.format);
      if (column.links && column.links[row]) {
        const link = td.appendChild(document.createElement("a"));
        link.href = column.links[row];
        link.textContent = text;
      } else {
        td.textContent = text;
      }
      if (column.scale && typeof value === "number" && value) {
        td.classList.add(value > 0 ? "up" : "down");
        td.style.setProperty("--tint", Math.min(1, Math.abs(value) / column.scale).toFixed(2));
      }
      tr.append(td);
    }
    return tr;
  }

  function lastPage() {
    return Math.max(0, Math.ceil(state.rows.length / spec.page) - 1);
  }

  heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
    const first = columns[i].kind === "number"; // numbers: largest first
    if (state.sort !== i) Object.assign(state, { sort: i, descending: first });
    else if (state.descending === first) state.descending = !first;
    else state.sort = -1;
    arrange();
  }));
  el.querySelectorAll("[data-turn]").forEach((button) => button.addEventListener("click", () => {
    state.page = { first: 0, back: state.page - 1, next: state.page + 1, last: lastPage() }[button.dataset.turn];
    show();
  }));
  const filter = el.querySelector(".filter");
  if (filter) {
    filter.addEventListener("input", onNextFrame(() => {
      state.words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      arrange();
    }));
  }
  el.querySelector(".download").addEventListener("click", () => save(spec.title, csv(columns, state.rows)));
  show();
}

// The rows in view order, numbers unrounded. A text that a spreadsheet would take for a formula gets an apostrophe.
function csv(columns, rows) {
  const field = (value) => {
    if (value === null) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const lines = [columns.map((column) => field(column.title)).join(",")];
  for (const row of rows) lines.push(columns.map((column) => field(column.values[row])).join(","));
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}

function save(title, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = (title.replace(/[\\/:*?"<>|\s]+/g, "_").slice(0, 80) || "table") + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
