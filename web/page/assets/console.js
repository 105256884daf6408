// What scripts add to pages that can be read without them: the switch of the theme, charts, and lists that
// leave a reader in peace.
const root = document.documentElement;

function theme() {
  const button = document.getElementById('theme');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* it lasts as long as the page */ }
    drawAll();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
}

// A list that renews itself waits while nobody looks, and while somebody reads or types in it.
document.addEventListener('htmx:before:request', (event) => {
  const list = event.target;
  if (!(list instanceof Element) || !list.hasAttribute('data-live')) return;
  const selection = getSelection();
  const busy = document.hidden || list.querySelector('details[open], :popover-open') || list.contains(document.activeElement) ||
    (selection && !selection.isCollapsed && list.contains(selection.anchorNode));
  if (busy) event.preventDefault();
});
// A part that was answered by another page, such as the one to sign in, is no part: the reader is taken there.
document.addEventListener('htmx:after:request', (event) => {
  if (!event.detail.ctx.response.raw.redirected) return;
  event.preventDefault();
  location.reload();
});

// What is asked for alone follows the page's address: a list that renews itself keeps its order, and what is
// searched for stays in the address.
document.addEventListener('htmx:config:request', (event) => {
  const ctx = event.detail.ctx;
  const element = ctx.sourceElement;
  const search = element.matches('form.search input');
  if (!search && !element.hasAttribute('data-live')) return;
  const address = new URL(location.href);
  if (search) {
    address.searchParams.set(element.name, element.value);
    if (!element.value) address.searchParams.delete(element.name);
    address.searchParams.delete('page');
    history.replaceState(history.state, '', address);
  }
  address.searchParams.set('part', new URL(ctx.request.action, location.href).searchParams.get('part'));
  ctx.request.action = address.pathname + address.search;
});
document.addEventListener('htmx:after:swap', () => drawAll());

// An explanation opens beside its word, within the window.
document.addEventListener('toggle', (event) => {
  const box = event.target;
  if (!(box instanceof HTMLElement) || !box.classList.contains('explanation') || event.newState !== 'open') return;
  const word = document.querySelector(`[popovertarget="${CSS.escape(box.id)}"]`);
  if (!word) return;
  const at = word.getBoundingClientRect();
  const width = box.offsetWidth;
  box.style.margin = '0';
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  box.style.top = at.bottom + 8 + box.offsetHeight < innerHeight ? `${at.bottom + 6}px` : `${Math.max(8, at.top - box.offsetHeight - 6)}px`;
}, true);

const drawn = new Map();
let library;

async function drawAll() {
  for (const [element, chart] of drawn) {
    if (!element.isConnected) { chart.dispose(); drawn.delete(element); }
  }
  const places = document.querySelectorAll('[data-chart]');
  if (places.length === 0) return;
  library ??= import(document.body.dataset.charts);
  const { init } = await library;
  for (const place of places) draw(init, place);
}

function draw(init, place) {
  const spec = JSON.parse(place.dataset.chart);
  if (!drawn.has(place)) {
    const rows = lies(spec) ? Math.max(1, spec.labels.length * spec.series.length) : 0;
    if (rows) place.style.height = `${rows * 30 + 60}px`;
    place.classList.add('ready');
    const details = place.parentElement.querySelector('details.figures');
    if (details) details.open = false;
    const chart = init(place, null, { renderer: 'canvas' });
    drawn.set(place, chart);
    new ResizeObserver(() => { chart.resize(); chart.setOption(option(spec, place), true); }).observe(place);
  }
  drawn.get(place).setOption(option(spec, place), true);
}

// colours are read from the style sheet, so that charts follow the theme.
function colours(place) {
  const probe = document.createElement('span');
  place.append(probe);
  const read = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
  const out = { ink: read('--ink'), soft: read('--soft'), line: read('--line'), paper: read('--card'), of: [1, 2, 3, 4, 5, 6].map((i) => read(`--c${i}`)) };
  probe.remove();
  return out;
}

const tags = { 'zh-Hans': 'zh-CN', en: 'en-US' };

function short(unit) {
  const style = unit === '%' ? { style: 'percent', maximumFractionDigits: 1 }
    : unit ? { style: 'currency', currency: unit, maximumFractionDigits: 2, minimumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  try {
    const format = new Intl.NumberFormat(tags[root.lang] ?? root.lang, style);
    return (v) => format.format(v);
  } catch { return (v) => `${v} ${unit}`; }
}

// lies tells the charts whose labels stand one below the other.
function lies(spec) { return spec.kind === 'interval' || spec.kind === 'rank'; }

function option(spec, place) {
  const c = colours(place);
  const font = getComputedStyle(place).fontFamily;
  const lying = lies(spec);
  const narrow = place.clientWidth < 480;
  const bars = spec.kind === 'bar' || spec.kind === 'rank';
  const value = { type: 'value', scale: !bars, axisLabel: { color: c.soft, formatter: short(spec.unit), hideOverlap: true }, splitLine: { lineStyle: { color: c.line } }, splitNumber: narrow ? 4 : 5 };
  if (!bars) { // the intervals belong to the picture
    const ends = spec.series.flatMap((s) => s.points.filter(Boolean).flatMap((p) => [p.l ?? p.v, p.h ?? p.v])).concat(lying ? [0] : []);
    const low = Math.min(...ends), high = Math.max(...ends), room = (high - low || Math.abs(high) || 1) * 0.08;
    value.min = (v) => Math.min(v.min, low < 0 || low - room > 0 || lying ? low - room : 0);
    value.max = (v) => Math.max(v.max, high + room);
    value.axisLabel.showMinLabel = value.axisLabel.showMaxLabel = false;
  }
  const category = {
    type: 'category', data: spec.labels, inverse: lying, axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false },
    axisLabel: { color: lying ? c.ink : c.soft, width: lying ? Math.min(180, place.clientWidth * 0.36) : undefined, overflow: lying ? 'break' : undefined, interval: lying ? 0 : 'auto', hideOverlap: !lying },
  };
  return {
    animation: false,
    textStyle: { fontFamily: font, color: c.ink },
    color: c.of,
    grid: { left: 8, right: lying ? 16 : 28, top: 16, bottom: 12, containLabel: true },
    tooltip: {
      trigger: lying ? 'item' : 'axis', renderMode: 'richText', confine: true, backgroundColor: c.paper, borderColor: c.line, textStyle: { color: c.ink },
      formatter: (at) => tip(spec, Array.isArray(at) ? at : [at]),
    },
    xAxis: lying ? value : category,
    yAxis: lying ? category : value,
    series: spec.series.flatMap((s, i) => series(spec, s, i, c, lying)),
  };
}

function tip(spec, at) {
  const lines = [[spec.axis, spec.labels[at[0].dataIndex]].filter(Boolean).join(' ')];
  const seen = new Set();
  for (const a of at) {
    const p = spec.series.find((s) => s.name === a.seriesName)?.points[a.dataIndex];
    if (p && !seen.has(a.seriesName)) lines.push(spec.series.length > 1 ? `${a.seriesName}: ${p.t}` : p.t);
    seen.add(a.seriesName);
  }
  return lines.join('\n');
}

function series(spec, s, i, c, lying) {
  const colour = c.of[i % c.of.length];
  const shift = (i - (spec.series.length - 1) / 2) * (lying ? 12 : 6);
  const out = [];
  const bars = spec.kind === 'bar' || spec.kind === 'rank';
  if (bars) out.push({ type: 'bar', name: s.name, color: colour, data: s.points.map((p) => p && p.v), barMaxWidth: lying ? 16 : 40, barMinHeight: 1, itemStyle: { borderRadius: lying ? [0, 3, 3, 0] : [3, 3, 0, 0] } });
  if (spec.kind === 'line') {
    out.push({
      type: 'line', name: s.name, color: colour, data: s.points.map((p) => p && p.v), symbol: 'circle', symbolSize: s.points.length > 40 ? 0 : 7, connectNulls: true,
      lineStyle: { width: s.quiet ? 1.5 : 2.5, type: s.quiet ? 'dashed' : 'solid' },
    });
  }
  if (s.points.some((p) => p && p.l !== undefined) || spec.kind === 'interval') {
    out.push({
      type: 'custom', name: s.name, color: colour, z: 3, silent: !lying,
      data: s.points.map((p, k) => [k, p ? p.v : NaN, p?.l ?? NaN, p?.h ?? NaN]),
      encode: lying ? { y: 0, x: [1, 2, 3] } : { x: 0, y: [1, 2, 3] },
      renderItem: (params, api) => whisker(api, colour, lying, spec.kind === 'line' ? 0 : shift, s.quiet, spec.kind === 'interval'),
    });
  }
  return out;
}

// whisker draws an interval, and on a lying chart its point.
function whisker(api, colour, lying, shift, quiet, point) {
  const k = api.value(0), v = api.value(1), l = api.value(2), h = api.value(3);
  if (Number.isNaN(v)) return null;
  const at = (x) => (lying ? api.coord([x, k]) : api.coord([k, x])).map((p, axis) => (axis === (lying ? 1 : 0) ? p + shift : p));
  const children = [];
  if (!Number.isNaN(l)) {
    const [x1, y1] = at(l), [x2, y2] = at(h);
    children.push({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: lying ? 3 : 1.5, opacity: quiet ? 0.6 : 0.9 } });
  }
  if (point) {
    const [cx, cy] = at(v);
    children.push({ type: 'circle', shape: { cx, cy, r: 5 }, style: { fill: colour } });
    const [zx] = api.coord([0, k]);
    const height = api.size([0, 1])[1];
    children.push({ type: 'line', shape: { x1: zx, x2: zx, y1: cy - height / 2, y2: cy + height / 2 }, style: { stroke: colour, lineWidth: 1, opacity: 0.35, lineDash: [3, 3] } });
  }
  return { type: 'group', children };
}

theme();
drawAll();
