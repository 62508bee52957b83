// K-lines: the text of engine/report/candles.py as bars, and the picker of the name to show.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const WORTH = Object.fromEntries([...DIGITS].map((digit, i) => [digit, i]));

function decoded(text) {
  const numbers = [];
  let number = 0;
  let weight = 1;
  for (const digit of text) {
    const worth = WORTH[digit];
    number += (worth & 31) * weight; // not by shifts: they end at 32 bits
    if (worth > 31) {
      weight *= 32;
    } else {
      numbers.push(number);
      number = 0;
      weight = 1;
    }
  }
  return numbers;
}

// One name: rows of [open, close, low, high] and volumes on the whole axis, its trades, and where it was held.
function unpacked(packed, spec, length) {
  const scale = 10 ** spec.decimals;
  const signed = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);
  const bars = new Array(length).fill("-");
  const volumes = new Array(length).fill("-");
  const numbers = decoded(packed.bars);
  let before = 0;
  for (let i = 0, at = packed.start; i < numbers.length; i += 5, at++) {
    const close = before + signed(numbers[i]);
    const open = before + signed(numbers[i + 1]);
    const high = Math.max(open, close) + numbers[i + 2];
    const low = Math.min(open, close) - numbers[i + 3];
    bars[at] = [open / scale, close / scale, low / scale, high / scale];
    volumes[at] = numbers[i + 4] * packed.unit;
    before = close;
  }
  const trades = [];
  const marks = decoded(packed.trades);
  for (let i = 0, at = 0; i < marks.length; i += 3) {
    at += marks[i];
    trades.push({ at, sold: marks[i + 1] % 2 === 1, shares: Math.floor(marks[i + 1] / 2), price: marks[i + 2] / scale });
  }
  const held = [];
  const stretches = decoded(packed.held);
  for (let i = 0, at = 0; i < stretches.length; i += 2) {
    const first = at + stretches[i];
    at = first + stretches[i + 1];
    held.push([first, at]);
  }
  return { bars, volumes, trades, held, events: packed.events || [] };
}

function candleAxes(item) {
  const { unit, at } = dateTicks(item.x, ...visible(item), Math.max(2, Math.floor((item.el.clientWidth - 70) / 58)));
  const label = { customValues: at, formatter: (date) => dateLabel(date, unit) };
  return { xAxis: [{}, { axisTick: { customValues: at }, axisLabel: label }] };
}

function candlesOption(item, colors) {
  const { spec, x, shown } = item;
  const live = candleAxes(item).xAxis;
  const label = { ...textStyle(colors), hideOverlap: true };
  const foot = printing() ? 26 : 54;
  const axis = { type: "category", data: x, boundaryGap: true, axisTick: { show: false } };
  const line = { lineStyle: { color: colors.of("muted"), width: 1 } };
  const pointer = { show: true, type: "line", lineStyle: { color: colors.of("muted"), width: 1, type: "dashed" }, label: { show: false } };
  const values = { scale: true, splitLine: { lineStyle: { color: colors.grid } } };
  const both = { xAxisIndex: [0, 1] };
  return {
    animation: false,
    textStyle: textStyle(colors),
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    grid: [{ left: 52, right: 14, top: 14, bottom: foot + 92 }, { left: 52, right: 14, height: 70, bottom: foot }],
    tooltip: { ...tooltip(colors), trigger: "axis", axisPointer: pointer, formatter: (found) => candleTip(item, colors, found[0].dataIndex) },
    xAxis: [
      { ...axis, axisLabel: { show: false }, axisLine: { ...line, onZero: false } },
      { ...axis, gridIndex: 1, axisLine: line, axisLabel: { ...label, margin: 9, ...live[1].axisLabel } },
    ],
    yAxis: [
      { ...values, axisLabel: { ...label, margin: 8, formatter: (value) => axisText(value, "number") } },
      { ...values, gridIndex: 1, scale: false, splitNumber: 1, axisLabel: { ...label, margin: 8, showMinLabel: false, formatter: (value) => axisText(value, "number") } },
    ],
    dataZoom: zooms(item, colors).map((zoom) => ({ ...zoom, ...both })),
    series: [
      {
        type: "candlestick", data: candleRows(shown.bars, colors), barMaxWidth: 16, emphasis: { disabled: true },
        itemStyle: { color: colors.panel, color0: colors.of("down"), borderColor: colors.of("up"), borderColor0: colors.of("down"), borderColorDoji: colors.of("muted") },
        markArea: {
          silent: true, itemStyle: { color: colors.of("accent"), opacity: 0.09 },
          data: shown.held.map(([first, last]) => [{ xAxis: first }, { xAxis: Math.min(last + 1, x.length - 1) }]),
        },
      },
      { type: "bar", xAxisIndex: 1, yAxisIndex: 1, data: volumeRows(shown, colors), barMaxWidth: 16, barCategoryGap: "28%", emphasis: { disabled: true } },
      markers(shown, colors, "buy", shown.trades.filter((trade) => !trade.sold).map((trade) => trade.at)),
      markers(shown, colors, "sell", shown.trades.filter((trade) => trade.sold).map((trade) => trade.at)),
      markers(shown, colors, "event", shown.events.map(([at]) => at)),
    ],
  };
}

// A bar that ends where it opened has the colour of its change from the close before.
function candleRows(bars, colors) {
  return bars.map((bar, i) => {
    if (bar === "-" || bar[0] !== bar[1] || !Array.isArray(bars[i - 1]) || bar[1] === bars[i - 1][1]) return bar;
    return { value: bar, itemStyle: { borderColorDoji: colors.of(bar[1] > bars[i - 1][1] ? "up" : "down") } };
  });
}

function volumeRows({ bars, volumes }, colors) {
  const up = { color: colors.of("up"), opacity: 0.55 };
  const down = { color: colors.of("down"), opacity: 0.55 };
  return volumes.map((value, i) => (value === "-" ? value : { value, itemStyle: bars[i][1] >= bars[i][0] ? up : down }));
}

const MARKS = {
  buy: { name: "Bought", colour: "s1", symbol: "triangle", symbolRotate: 0, side: 2, symbolOffset: [0, 9], symbolSize: [10, 9] },
  sell: { name: "Sold", colour: "s2", symbol: "triangle", symbolRotate: 180, side: 3, symbolOffset: [0, -9], symbolSize: [10, 9] },
  event: { name: "Ex-date", colour: "s4", symbol: "diamond", symbolRotate: 0, side: 3, symbolOffset: [0, -22], symbolSize: [8, 10] },
};

function markers({ bars }, colors, kind, places) {
  const { colour, side, ...mark } = MARKS[kind];
  const color = colors.of(colour);
  return {
    ...mark, type: "scatter", z: 5, emphasis: { disabled: true }, cursor: "default",
    itemStyle: { color, borderColor: colors.panel, borderWidth: 1 },
    data: [...new Set(places)].map((at) => [at, bars[at][side]]),
  };
}

function candleTip(item, colors, at) {
  const { bars, volumes, trades, events } = item.shown;
  const bar = bars[at];
  if (!Array.isArray(bar)) return "";
  const [open, close, low, high] = bar;
  const price = (value) => grouped(value, item.spec.decimals);
  const row = (name, value, css = "") => `<div class="${css}">${name}${value}</div>`;
  const plain = (name, value) => row(`<span>${name}</span>`, value);
  const before = Array.isArray(bars[at - 1]) ? bars[at - 1][1] : null;
  const rows = [plain("Open", price(open)), plain("High", price(high)), plain("Low", price(low)), plain("Close", price(close))];
  if (before) rows.push(plain("Change", printed(close / before - 1, "percent")));
  rows.push(plain("Volume", axisText(volumes[at], "number")));
  const mark = (kind) => `<i class="mark ${kind}" style="--key:${colors.of(MARKS[kind].colour)}"></i><span>${MARKS[kind].name}</span>`;
  const marked = trades.filter((trade) => trade.at === at).map((trade) =>
    row(mark(trade.sold ? "sell" : "buy"), `${grouped(trade.shares, 0)} at ${price(trade.price)}`));
  events.filter((event) => event[0] === at).forEach((event) => marked.push(row(mark("event"), escaped(event[1]))));
  if (marked.length) marked[0] = marked[0].replace('class=""', 'class="sum"');
  return `<div class="tip"><b>${escaped(item.x[at])}</b>${rows.concat(marked).join("")}</div>`;
}

function candleControls(item, figure) {
  const { spec, x } = item;
  const select = figure.querySelector("select");
  const search = figure.querySelector("[type=search]");
  const words = ({ symbol, name, remark }) => [symbol, name, remark].filter(Boolean).join("  ");
  const spans = [...figure.querySelectorAll("[data-sessions]")];
  let sessions = item.el.clientWidth < 560 ? 62 : 186;

  function list() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = spec.names.map((name, i) => [i, words(name)]).filter(([, text]) => wanted.every((word) => text.toLowerCase().includes(word)));
    select.replaceChildren(...found.map(([i, text]) => new Option(text, i)));
    select.disabled = !found.length;
    if (!found.length) select.add(new Option("No name matches", ""));
    else if (found.some(([i]) => i === item.chosen)) select.value = item.chosen;
    else choose(found[0][0]);
  }

  function choose(i) {
    item.chosen = i;
    select.value = i;
    item.shown = unpacked(spec.names[i], spec, x.length);
    figure.querySelector(".shown").textContent = words(spec.names[i]);
    figure.dataset.shown = spec.names[i].symbol;
    frame();
    if (item.chart) item.draw();
  }

  // Show so many sessions, the last trade among them.
  function frame() {
    const last = x.length - 1;
    const { trades } = item.shown;
    const to = Math.min(last, (trades.length ? trades[trades.length - 1].at : last) + Math.ceil(sessions / 10));
    const end = Math.max(to, Math.min(last, sessions - 1));
    item.range = [Math.max(0, end - sessions + 1), end];
    spans.forEach((button) => button.setAttribute("aria-pressed", +button.dataset.sessions === sessions || (button.dataset.sessions === "0" && sessions > last)));
  }

  select.addEventListener("change", () => choose(+select.value));
  search.addEventListener("input", list);
  figure.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => {
    const { length } = select.options;
    select.selectedIndex = (select.selectedIndex + +button.dataset.step + length) % length;
    if (!select.disabled) choose(+select.value);
  }));
  spans.forEach((button) => button.addEventListener("click", () => {
    sessions = +button.dataset.sessions || x.length;
    frame();
    item.draw();
  }));
  choose(0);
  list();
}
