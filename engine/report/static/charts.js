// Charts: the JSON of engine/report/chart.py as ECharts options. A new kind of chart is one more entry of BUILD.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const BUILD = { figure: figureOption, heat: heatOption, candles: candlesOption };
const LIVE = { figure: (item) => (item.spec.horizontal ? { yAxis: axes(item).xAxis } : axes(item)), candles: candleAxes };

function palette() {
  const css = getComputedStyle(document.documentElement);
  const of = (token) => (token.startsWith("#") ? token : css.getPropertyValue("--" + token).trim());
  return { of, ink: of("ink"), soft: of("soft"), line: of("line"), grid: of("grid"), panel: of("panel"), font: of("font") };
}

function textStyle(colors) {
  return { color: colors.soft, fontSize: 12, fontFamily: colors.font };
}

function tooltip(colors) {
  return {
    confine: true,
    transitionDuration: 0,
    backgroundColor: colors.panel,
    borderColor: colors.line,
    borderWidth: 1,
    padding: [7, 10],
    extraCssText: "border-radius:6px;box-shadow:0 4px 14px rgb(0 0 0 / 0.14)",
  };
}

// Positions on an axis of dates to label: the first session of each year, quarter, month or week, or every day.
function dateTicks(dates, start, end, room) {
  const bucket = {
    year: (d) => d.slice(0, 4),
    half: (d) => d.slice(0, 4) + (d.slice(5, 7) > "06"),
    quarter: (d) => d.slice(0, 4) + Math.floor((d.slice(5, 7) - 1) / 3),
    month: (d) => d.slice(0, 7),
    week: (d) => Math.floor((Date.parse(d) / 864e5 + 3) / 7),
    day: (d) => d,
  };
  const months = dates[0].length === 7;
  const units = ["day", "week", "month", "quarter", "half", "year"].slice(months ? 2 : 0);
  for (const unit of units) {
    const firsts = [];
    for (let i = Math.max(start, 1); i <= end; i++) {
      if (bucket[unit](dates[i]) !== bucket[unit](dates[i - 1])) firsts.push(i);
    }
    if (start === 0 && (unit === units[0] || !firsts.length) && (months || unit === "day")) firsts.unshift(0);
    if (firsts.length <= room || unit === "year") {
      const step = Math.ceil(firsts.length / room);
      return { unit, at: firsts.filter((_, i) => i % step === 0) };
    }
  }
  return { unit: "day", at: [] };
}

function dateLabel(date, unit) {
  if (unit === "year") return date.slice(0, 4);
  if (unit === "day" || unit === "week") return date.slice(5);
  const month = +date.slice(5, 7) - 1;
  return month === 0 ? date.slice(0, 4) : MONTHS[month];
}

// Round numbers for a logarithmic axis; ECharts labels powers of ten only, which a net value seldom crosses.
function logTicks(low, high, room) {
  if (high / low < 4) {
    const rough = (high - low) / room;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(+(i * step).toPrecision(12));
    return found;
  }
  let best = [];
  for (const mantissas of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]) {
    const found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (const m of mantissas) found.push(+(m * 10 ** e).toPrecision(12));
    }
    const inside = found.filter((v) => v >= low && v <= high);
    if (inside.length <= room + 2 || !best.length) best = inside;
  }
  return best;
}

// About how many pixels a label takes.
const size = (text) => [...text].reduce((sum, c) => sum + (c > "\u2e7f" ? 12 : 6.6), 0);

// Up to 14 categories are all named: on one line or two where their words fit, else aslant.
function categoryLabels(names, room) {
  if (names.length > 14) return {};
  const longest = Math.max(...names.flatMap((name) => name.split(/\s+/)).map(size), 0);
  if (Math.max(...names.map(size), 0) <= room) return { interval: 0 };
  if (longest <= room) return { interval: 0, width: room, overflow: "break" };
  return { interval: 0, rotate: 38, width: Math.min(96, Math.max(...names.map(size)) + 4), overflow: "truncate" };
}

// Axis labels with the same number of decimals: 0.8, 1.0, 1.2.
function evenly(ticks, format) {
  const decimals = Math.max(...ticks.map((tick) => (axisText(tick, format).match(/\.(\d+)$/) || ["", ""])[1].length));
  return (value) => (Math.abs(value) < 1e4 && format !== "percent" ? grouped(value, decimals) : axisText(value, format));
}

function visible(item) {
  const last = item.x.length - 1;
  return item.range ? [Math.max(0, item.range[0]), Math.min(last, item.range[1])] : [0, last];
}

// What depends on the width and on the dates in view.
function axes(item) {
  const { spec, x } = item;
  const [start, end] = visible(item);
  const width = item.el.clientWidth - 70;
  const option = { xAxis: {}, yAxis: {} };
  if (spec.dates) {
    const { unit, at } = dateTicks(x, start, end, Math.max(2, Math.floor(width / 58)));
    option.xAxis = {
      axisTick: { customValues: at },
      axisLabel: { customValues: at, formatter: (date) => dateLabel(date, unit) },
    };
  } else if (spec.horizontal) {
    option.xAxis.axisLabel = { interval: 0, width: Math.min(Math.max(...x.map(size)) + 4, item.el.clientWidth * 0.4), overflow: "truncate" };
  } else {
    option.xAxis.axisLabel = categoryLabels(x, width / Math.max(1, x.length) - 6);
  }
  if (item.log) {
    let low = Infinity, high = 0;
    for (const series of spec.series) {
      if (item.off.has(series.name)) continue;
      for (let i = start; i <= end; i++) {
        const value = series.values[i];
        if (value === null || value === undefined) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (high > 0) {
      const pad = Math.max((high / low) ** 0.04, 1.0005);
      const at = logTicks(low / pad, high * pad, Math.max(3, Math.floor(item.el.clientHeight / 56)));
      option.yAxis = { min: low / pad, max: high * pad, axisTick: { customValues: at }, axisLabel: { customValues: at, formatter: evenly(at, spec.format) } };
    }
  }
  return option;
}

function figureOption(item, colors) {
  const { spec, x } = item;
  const bars = spec.series.some((series) => series.kind === "bar");
  const lines = spec.series.every((series) => series.kind === "line");
  const live = axes(item);
  const label = { ...textStyle(colors), hideOverlap: true };
  const names = {
    type: "category",
    data: x,
    boundaryGap: bars,
    axisLine: { onZero: true, lineStyle: { color: colors.of("muted"), width: 1 } },
    ...live.xAxis,
    axisTick: { show: false, ...live.xAxis.axisTick },
    axisLabel: { ...label, margin: 9, lineHeight: 15, ...live.xAxis.axisLabel },
  };
  const values = {
    type: item.log ? "log" : "value",
    scale: lines,
    splitNumber: Math.max(2, Math.round((spec.horizontal ? item.el.clientWidth / 2 : item.el.clientHeight) / 70)),
    splitLine: { lineStyle: { color: colors.grid } },
    ...live.yAxis,
    axisLabel: { ...label, margin: 8, formatter: (value) => axisText(value, spec.format), ...(live.yAxis.axisLabel || {}) },
  };
  return {
    animation: false,
    textStyle: textStyle(colors),
    legend: { show: false, data: spec.series.map((series) => series.name), selected: Object.fromEntries([...item.off].map((n) => [n, false])) },
    grid: spec.dates
      ? { left: 52, right: 14, top: 12, bottom: spec.zoom && !printing() ? 54 : 26 }
      : { left: 0, right: 6, top: 12, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { ...tooltip(colors), trigger: "axis", axisPointer: pointer(colors, bars), formatter: (found) => figureTip(item, colors, found) },
    xAxis: spec.horizontal ? values : names,
    yAxis: spec.horizontal ? { ...names, inverse: true } : values,
    dataZoom: spec.zoom ? zooms(item, colors) : [],
    series: spec.series.map((series) => figureSeries(item, colors, series)).concat(shaded(item, colors)),
  };
}

// A series without values that carries the bands: it stays when the reader hides another.
function shaded(item, colors) {
  if (!(item.spec.bands || []).length) return [];
  const data = item.spec.bands.map((band) => [
    { xAxis: band.first, name: band.label, itemStyle: { color: colors.of(band.colour), opacity: 0.1 } },
    { xAxis: band.last },
  ]);
  const label = { show: true, position: "insideTop", color: colors.soft, fontSize: 10, distance: 2 };
  return [{ name: "", type: "line", data: [], silent: true, animation: false, tooltip: { show: false }, markArea: { silent: true, label, data } }];
}

function pointer(colors, bars) {
  return bars
    ? { type: "shadow", shadowStyle: { color: colors.of("muted"), opacity: 0.12 } }
    : { type: "line", lineStyle: { color: colors.of("muted"), width: 1, type: "dashed" } };
}

function figureSeries(item, colors, series) {
  const { spec } = item;
  const color = colors.of(series.colour);
  const data = series.values;
  const stack = spec.stacked ? "all" : undefined;
  const common = { name: series.name, data, stack, color, emphasis: { disabled: true }, animation: false };
  if (series.kind === "bar") {
    return { ...common, type: "bar", itemStyle: { color }, barMaxWidth: 34, barCategoryGap: spec.series.length > 1 && !spec.stacked ? "30%" : "24%" };
  }
  return {
    ...common,
    type: "line",
    showSymbol: data.length === 1 || (!spec.dates && data.length <= 40),
    symbol: "circle",
    symbolSize: 5,
    sampling: data.length > 4000 ? "lttb" : undefined,
    lineStyle: { color, width: series.kind === "line" ? 1.7 : spec.stacked ? 0 : 1.2, join: "round" },
    areaStyle: series.kind === "area" ? { color, opacity: spec.stacked ? 0.8 : 0.2, origin: "auto" } : undefined,
  };
}

function zooms(item, colors) {
  const range = item.range ? { startValue: item.range[0], endValue: item.range[1] } : { start: 0, end: 100 };
  const least = Math.min(10, item.x.length - 1);
  const handle = { color: colors.panel, borderColor: colors.of("muted"), borderWidth: 1 };
  const slider = {
    type: "slider", show: !printing(), ...range, minValueSpan: least, height: 8, bottom: 8, left: 52, right: 14, showDetail: false, showDataShadow: false, brushSelect: false,
    borderColor: "transparent", backgroundColor: colors.grid, fillerColor: colors.of("accent") + "26", borderRadius: 4, handleIcon: "circle",
    handleSize: 14, handleStyle: handle, moveHandleSize: 0, emphasis: { handleStyle: { borderColor: colors.of("accent") } },
  };
  // A bare wheel and a finger must keep scrolling the page: Ctrl + wheel (or a pinch) zooms, a mouse drags.
  const inside = { type: "inside", ...range, minValueSpan: least, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, preventDefaultMouseMove: false };
  return matchMedia("(pointer: coarse)").matches ? [slider] : [slider, inside];
}

function figureTip(item, colors, found) {
  const { spec } = item;
  const row = (name, value, swatch, kind) =>
    `<div class="${kind}">${swatch}<span>${escaped(name)}</span>${escaped(printed(value, spec.format))}</div>`;
  const rows = found.map((one) => {
    const series = spec.series[one.seriesIndex];
    return row(series.name, series.values[one.dataIndex], `<i class="${series.kind}" style="--key:${colors.of(series.colour)}"></i>`, "");
  });
  if (spec.stacked && found.length > 1) {
    const values = found.map((one) => spec.series[one.seriesIndex].values[one.dataIndex] || 0);
    rows.push(row("Total", values.reduce((a, b) => a + b, 0), "", "sum"));
  }
  return `<div class="tip"><b>${escaped(item.x[found[0].dataIndex])}</b>${rows.join("")}</div>`;
}

function heatOption(item, colors) {
  const { spec } = item;
  const cells = [];
  let most = 0;
  spec.values.forEach((row, y) => row.forEach((value, x) => {
    if (value === null) return;
    cells.push([x, y, value]);
    most = Math.max(most, Math.abs(value));
  }));
  const axis = { type: "category", axisTick: { show: false }, axisLine: { show: false }, splitArea: { show: false } };
  const label = { ...textStyle(colors), fontSize: 11, hideOverlap: true };
  return {
    animation: false,
    textStyle: textStyle(colors),
    grid: { left: 0, right: 4, top: 6, bottom: 40, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: {
      ...tooltip(colors),
      formatter: ({ value: [x, y, value] }) =>
        `<div class="tip"><b>${escaped(spec.rows[y])} · ${escaped(spec.columns[x])}</b>${escaped(printed(value, spec.format))}</div>`,
    },
    xAxis: { ...axis, data: spec.columns, axisLabel: label },
    yAxis: { ...axis, data: spec.rows, inverse: true, axisLabel: { ...label, width: Math.min(120, item.el.clientWidth * 0.24), overflow: "truncate" } },
    visualMap: {
      min: -most || -1, max: most || 1, orient: "horizontal", left: "center", bottom: 0, itemWidth: 10, itemHeight: 140, calculable: false, hoverLink: false,
      text: [axisText(most, spec.format), axisText(-most, spec.format)], textStyle: { ...textStyle(colors), fontSize: 11 },
      inRange: { color: [colors.of("down"), colors.panel, colors.of("up")] },
    },
    series: [{ type: "heatmap", data: cells, emphasis: { disabled: true }, itemStyle: { borderWidth: 0 } }],
  };
}

// One chart of the page: draws itself, follows the legend, the scale switch, the zoom and its width.
function chartItem(el, data) {
  const spec = data.charts[+el.dataset.chart];
  const item = { el, spec, x: spec.x === undefined ? [] : data.axes[spec.x], log: spec.log === true, off: new Set(), range: null, chart: null };
  const figure = el.closest("[data-figure]");
  const live = LIVE[spec.kind];
  const later = onNextFrame(() => item.chart.setOption(live(item)));
  if (spec.kind === "candles") candleControls(item, figure);

  item.draw = () => {
    if (!item.chart) start();
    item.chart.setOption(BUILD[spec.kind](item, palette()), { notMerge: true });
    el.dataset.drawn = "true";
  };
  item.resize = () => {
    if (!item.chart) return;
    item.chart.resize();
    if (live) item.chart.setOption(live(item));
  };

  function start() {
    item.chart = echarts.init(el, null, { renderer: "svg" });
    if (!live) return;
    if (spec.zoom) {
      if (spec.kind === "figure") {
        item.chart.group = spec.group + "/" + spec.x;
        echarts.connect(item.chart.group);
      }
      item.chart.on("datazoom", () => {
        const { startValue, endValue } = item.chart.getOption().dataZoom[0];
        item.range = [startValue, endValue];
        later();
      });
      // ECharts stops every wheel event over the plot, used or not; the page would stick there.
      for (const name of ["wheel", "mousewheel"]) {
        el.addEventListener(name, (event) => event.ctrlKey || event.stopPropagation(), { capture: true, passive: true });
      }
      el.addEventListener("dblclick", () => item.chart.dispatchAction({ type: "dataZoom", start: 0, end: 100 }));
    }
    item.chart.on("legendselectchanged", ({ selected }) => {
      item.off = new Set(spec.series.map((series) => series.name).filter((name) => selected[name] === false));
      figure.querySelectorAll(".key").forEach((key) => key.setAttribute("aria-pressed", !item.off.has(key.dataset.series)));
      if (item.log) later();
    });
    figure.querySelectorAll(".key").forEach((key) => key.addEventListener("click", () =>
      item.chart.dispatchAction({ type: "legendToggleSelect", name: key.dataset.series })));
    figure.querySelectorAll("[data-scale]").forEach((button, _, all) => button.addEventListener("click", () => {
      item.log = button.dataset.scale === "log";
      all.forEach((one) => one.setAttribute("aria-pressed", one === button));
      item.draw();
    }));
    let width = el.clientWidth;
    new ResizeObserver(onNextFrame(() => {
      if (printing() || el.clientWidth === width || !el.clientWidth) return;
      width = el.clientWidth;
      item.resize();
    })).observe(el);
  }
  return item;
}

function printing() {
  return document.documentElement.dataset.print !== undefined;
}

function onNextFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
