// Draws the report's charts, and draws them again when the colour scheme changes.

const charts = JSON.parse(document.getElementById("charts").textContent);
const drawn = [];

// Tabsense's series are green; the others have colours that most people can distinguish in either scheme.
const OWN = ["#0f8a5f", "#5cbf95", "#9bd9bd", "#2c6e54"];
const OTHERS = [
  "#4a6fb3",
  "#c4703c",
  "#8a63b0",
  "#b39a2e",
  "#5b8fa8",
  "#b0567a",
  "#7d7d7d",
  "#9c5a3c",
  "#6f86c9",
  "#3c8f8f",
];

function draw() {
  for (const chart of drawn.splice(0)) chart.destroy();
  const style = getComputedStyle(document.documentElement);
  Chart.defaults.color = style.getPropertyValue("--quiet").trim();
  Chart.defaults.borderColor = style.getPropertyValue("--line").trim();
  Chart.defaults.font.family = style.getPropertyValue("--font").trim();
  Chart.defaults.animation = false;
  for (const [index, chart] of charts.entries())
    drawn.push(new Chart(document.getElementById(`chart-${index}`), configurationOf(chart)));
}

function configurationOf(chart) {
  const colors = paint(chart.series);
  const common = { responsive: true, maintainAspectRatio: false };
  const legend = { position: "bottom", labels: { boxWidth: 12, boxHeight: 12 } };
  const tooltip = {
    callbacks: {
      label: ({ dataset, dataIndex, parsed }) =>
        `${dataset.label}: ${number(chart.kind === "lines" ? parsed.y : parsed.x)} ${chart.unit}${spreadText(dataset.spreads?.[dataIndex])}`,
    },
  };
  if (chart.kind === "lines") {
    const datasets = chart.series.map(({ name, points, dashed }, i) => ({
      label: name,
      data: points,
      borderColor: colors[i],
      backgroundColor: colors[i],
      borderWidth: dashed ? 1.5 : 2,
      borderDash: dashed ? [5, 4] : [],
      pointRadius: points.map(({ leaves }) => (dashed ? 0 : leaves ? 6 : 3)),
      pointStyle: points.map(({ leaves }) => (leaves ? "rectRot" : "circle")),
    }));
    const ticks = {
      callback: (value) => (/^[125]/.test(String(value).replace(/^0\.0*/, "")) ? number(value) : ""),
    };
    return {
      type: "line",
      data: { datasets },
      options: {
        ...common,
        plugins: { legend, tooltip },
        scales: {
          x: { type: "logarithmic", title: { display: true, text: chart.axis }, ticks },
          y: { type: "logarithmic", title: { display: true, text: chart.unit }, ticks },
        },
      },
    };
  }
  const stacked = chart.kind === "stacked";
  const datasets = chart.series.map(({ name, values }, i) => ({
    label: name,
    data: chart.kind === "spread" ? values.map((value) => value?.median ?? null) : values,
    spreads: chart.kind === "spread" ? values : null,
    backgroundColor: chart.own ? chart.own.map((own) => (own ? OWN[0] : OTHERS[0])) : colors[i],
    maxBarThickness: 18,
    borderRadius: stacked ? 0 : 2,
  }));
  const highest = Math.max(
    ...datasets.flatMap(({ spreads }) => (spreads ?? []).map((spread) => spread?.high ?? 0)),
  );
  const value = {
    stacked,
    beginAtZero: true,
    suggestedMax: highest > 0 ? highest : undefined,
    title: { display: true, text: chart.unit },
  };
  const name = { stacked, grid: { display: false }, ticks: { autoSkip: false } };
  document.getElementById(`chart-${charts.indexOf(chart)}`).parentElement.style.height =
    `${70 + chart.labels.length * (chart.kind === "spread" ? 12 + 9 * chart.series.length : 26) + (chart.series.length > 1 ? 40 : 0)}px`;
  return {
    type: "bar",
    data: { labels: chart.labels, datasets },
    options: {
      ...common,
      indexAxis: "y",
      plugins: { legend: { ...legend, display: chart.series.length > 1 }, tooltip },
      scales: { x: value, y: name },
    },
    plugins: [whiskers, one(chart)],
  };
}

/** Draws the spread of ratios as thin lines over their bars. */
const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const {
      ctx,
      data,
      scales: { x },
    } = chart;
    ctx.save();
    ctx.strokeStyle = Chart.defaults.color;
    for (const [i, { spreads }] of data.datasets.entries()) {
      for (const [j, bar] of (spreads ? chart.getDatasetMeta(i).data : []).entries()) {
        if (!spreads[j]) continue;
        ctx.beginPath();
        ctx.moveTo(x.getPixelForValue(spreads[j].low), bar.y);
        ctx.lineTo(x.getPixelForValue(spreads[j].high), bar.y);
        ctx.stroke();
      }
    }
    ctx.restore();
  },
};

/** The line at 1 of a chart of ratios. */
function one({ kind }) {
  return {
    id: "one",
    afterDatasetsDraw({ ctx, chartArea, scales: { x } }) {
      if (kind !== "spread") return;
      ctx.save();
      ctx.strokeStyle = Chart.defaults.color;
      ctx.setLineDash([4, 4]);
      ctx.beginPath();
      ctx.moveTo(x.getPixelForValue(1), chartArea.top);
      ctx.lineTo(x.getPixelForValue(1), chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };
}

function spreadText(spread) {
  return spread ? ` (${number(spread.low)} to ${number(spread.high)})` : "";
}

function paint(series) {
  let [own, other] = [0, 0];
  const byName = new Map();
  return series.map(({ name, own: isOwn, dashed }) => {
    const base = dashed ? name.replace(/, predicted$/, "") : name;
    if (!byName.has(base))
      byName.set(base, isOwn ? OWN[own++ % OWN.length] : OTHERS[other++ % OTHERS.length]);
    return byName.get(base);
  });
}

function number(value) {
  return value >= 1000
    ? Math.round(value).toLocaleString("en")
    : Number(Number(value).toPrecision(3)).toString();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
