// The page: draw everything, follow theme, print and scroll. What went wrong is told in <body data-errors>.
const errors = [];
function failed(message) {
  errors.push(String(message));
  document.body.dataset.errors = JSON.stringify(errors);
}
addEventListener("error", (event) => failed(event.message));
addEventListener("unhandledrejection", (event) => failed(event.reason));
document.addEventListener("securitypolicyviolation", (event) => failed("blocked: " + event.blockedURI));

const DATA = JSON.parse(document.getElementById("report-data").textContent);
const CHARTS = [...document.querySelectorAll("[data-chart]")].map((el) => chartItem(el, DATA));
document.querySelectorAll("[data-table]").forEach((el) => tableItem(el, DATA));

// At once while it takes no longer than a glance, so that the page is whole by its load event: a picture taken
// of it then lacks nothing. After that one chart at a time, so that the page can be scrolled meanwhile.
const AT_ONCE = 1500;
function drawFrom(position, until) {
  for (; position < CHARTS.length; position++) {
    if (!CHARTS[position].chart) attempt(() => CHARTS[position].draw());
    if (performance.now() > until) {
      setTimeout(drawFrom, 0, position + 1, 0);
      return;
    }
  }
  document.body.dataset.ready = "true";
}

function attempt(work) {
  try {
    work();
  } catch (error) {
    failed(error);
  }
}

function redraw() {
  CHARTS.forEach((item) => attempt(item.draw));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// Paper is light and narrow: these widths fit a panel on A4 and on Letter upright. `draw` comes last, since a
// resize alone would wait for a frame that a printing browser does not give.
addEventListener("beforeprint", () => {
  document.documentElement.dataset.print = "";
  for (const item of CHARTS) {
    attempt(() => {
      const half = item.el.closest(".half") !== null;
      item.el.style.width = (half ? 314 : 666) + "px";
      item.resize();
      item.draw();
    });
  }
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.print;
  CHARTS.forEach((item) => (item.el.style.width = ""));
  CHARTS.forEach((item) => item.resize());
  redraw();
});

const LINKS = new Map([...document.querySelectorAll(".contents a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
function markCurrent() {
  let current = null;
  for (const [id, link] of LINKS) {
    if (current === null || document.getElementById(id).getBoundingClientRect().top < innerHeight * 0.3) current = link;
  }
  if (!current || current.hasAttribute("aria-current")) return;
  LINKS.forEach((link) => link.removeAttribute("aria-current"));
  current.setAttribute("aria-current", "true");
  const bar = current.closest(".contents");
  if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = current.offsetLeft - 40;
}
addEventListener("scroll", onNextFrame(markCurrent), { passive: true });
markCurrent();
drawFrom(0, performance.now() + AT_ONCE);
