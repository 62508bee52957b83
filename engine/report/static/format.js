// Values as text: the same text as engine/report/values.py makes.
const DASH = "—";
const MINUS = "−";
const DECIMALS = { integer: 0, number: 2, precise: 4, percent: 2, money: 2 };

function grouped(value, decimals) {
  const size = Math.abs(value);
  if (size >= 1e15) return (value < 0 ? MINUS : "") + size.toExponential(2);
  const [whole, part] = size.toFixed(decimals).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

function printed(value, format) {
  if (value === null || value === undefined) return DASH;
  if (typeof value === "string") return value;
  if (format === "text" || format === "date") return String(value);
  if (format === "percent") return grouped(value * 100, 2) + "%";
  return grouped(value, DECIMALS[format]);
}

// An axis label: no more decimals than the number needs, large numbers in thousands, millions, billions.
function axisText(value, format) {
  const trimmed = (number, decimals) => {
    const text = grouped(number, decimals);
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  };
  if (format === "percent") return trimmed(value * 100, 3) + "%";
  const size = Math.abs(value);
  for (const [unit, name] of [[1e9, "bn"], [1e6, "m"], [1e3, "k"]]) {
    if (size >= (unit === 1e3 ? 1e4 : unit)) return trimmed(value / unit, 2) + name;
  }
  return trimmed(value, 4);
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
}
