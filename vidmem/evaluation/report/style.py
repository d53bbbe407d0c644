"""How the page looks: one column of cards, numbers in line, no colour that says nothing."""

STYLE = """
:root { color-scheme: light; --ink: #1d2733; --muted: #66717f; --rule: #e3e7ec; --ground: #f5f6f8; --bad: #c8553d;
  --accent: #3b6fb6; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 27px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 2px; }
h3 { font-size: 14px; margin: 20px 0 8px; }
h3 span { color: var(--muted); font-weight: 400; margin-left: 6px; }
.line, .note { color: var(--muted); margin: 0 0 16px; }
.note { font-size: 13.5px; margin-bottom: 14px; }
section { background: #fff; border: 1px solid var(--rule); border-radius: 10px; padding: 20px 24px 22px;
  margin-top: 18px; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tile { background: #fff; border: 1px solid var(--rule); border-radius: 10px; padding: 12px 18px; min-width: 104px; }
.tile b { display: block; font-size: 26px; line-height: 1.15; font-variant-numeric: tabular-nums; }
.tile.first { background: var(--ink); border-color: var(--ink); color: #fff; }
.tile span { font-size: 13px; color: var(--muted); }
.tile.first span, .tile.first small { color: #c8d0da; }
.tile small { display: block; font-size: 12px; color: var(--muted); }
.warning { background: #fff6e5; border: 1px solid #f0d9a8; border-radius: 8px; padding: 8px 14px; margin: 12px 0 0;
  font-size: 14px; }
.chart { display: block; width: 100%; height: auto; }
.strip { display: grid; grid-template-columns: repeat(6, 1fr); gap: 8px; }
figure { margin: 0; }
figure img { display: block; width: 100%; border-radius: 5px; border: 2px solid transparent; }
figure.worst img { border-color: var(--bad); }
figcaption { font-size: 11.5px; color: var(--muted); display: flex; justify-content: space-between; padding: 2px 3px; }
figcaption b { font-weight: 600; font-variant-numeric: tabular-nums; }
figure.worst figcaption b { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--muted); font-weight: 500; }
td:last-child { white-space: normal; }
.n + th, .n + td { padding-left: 14px; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.same td { font-weight: 600; background: #f2f6fc; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
td i { display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 8px; }
.facts th { width: 110px; vertical-align: top; }
.facts td { overflow-wrap: anywhere; white-space: normal; }
.failures { margin: 0; padding-left: 18px; }
pre { font-size: 12px; overflow-x: auto; background: var(--ground); padding: 10px; border-radius: 6px; }
@media (max-width: 720px) { .strip { grid-template-columns: repeat(3, 1fr); } main { padding: 20px 12px; } }
"""
