/** Text on its ground has a contrast of 4.5 at least, in both schemes; a test computes it. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #ffffff; --text: #1b1f24; --quiet: #57606a; --edge: #d8dde3; --track: #e6e9ed;
  --good: #16662e; --good-ground: #dff3e4; --good-line: #3a9d5d;
  --wait: #1c55a8; --wait-ground: #e1ecfb; --wait-line: #5a8fd8;
  --warning: #7a4a00; --warning-ground: #ffedc7; --warning-line: #c8850c;
  --error: #a31a12; --error-ground: #fde4e1; --error-line: #d8473c;
  --off: #4d5661; --off-ground: #e8ebef; --off-line: #87929e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1215; --card: #171b20; --text: #e5e9ee; --quiet: #9ba6b2; --edge: #2b323a; --track: #2a3037;
    --good: #74d694; --good-ground: #14301e; --good-line: #3f9c5f;
    --wait: #8db9f5; --wait-ground: #14294a; --wait-line: #4778bd;
    --warning: #f4bf58; --warning-ground: #3a2a08; --warning-line: #c98a1b;
    --error: #ff9a90; --error-ground: #431713; --error-line: #d34a3f;
    --off: #a8b2bd; --off-ground: #272d34; --off-line: #66707b;
  }
}
* { box-sizing: border-box; margin: 0; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  background: var(--ground); color: var(--text); max-width: 70rem; margin: 0 auto; padding: 1.25rem 1.5rem 2rem;
  font: 0.9375rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.875em; }
a { color: inherit; }
a:focus-visible, .card:focus { outline: 2px solid var(--wait); outline-offset: 2px; border-radius: 4px; }
h1 { font-size: 1.125rem; font-weight: 650; }
h1 .host { font-weight: 400; color: var(--quiet); margin-left: 0.25rem; }
h2 { font-size: 0.8125rem; font-weight: 600; color: var(--quiet); margin: 1.5rem 0 0.5rem; }
.top { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0.25rem 1.5rem; }
.meta { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; color: var(--quiet); font-size: 0.8125rem; }
.clock { color: var(--text); }

.verdict { margin-top: 1rem; padding: 0.75rem 1rem; border-radius: 8px; font-size: 1.125rem; font-weight: 600; }
.stale { margin-top: 0.5rem; padding: 0.5rem 1rem; border-radius: 8px; background: var(--error-ground); color: var(--error); }
.stale:empty { display: none; }

.good { --tone: var(--good); --tone-ground: var(--good-ground); --tone-line: var(--good-line); }
.wait { --tone: var(--wait); --tone-ground: var(--wait-ground); --tone-line: var(--wait-line); }
.warning { --tone: var(--warning); --tone-ground: var(--warning-ground); --tone-line: var(--warning-line); }
.error { --tone: var(--error); --tone-ground: var(--error-ground); --tone-line: var(--error-line); }
.off { --tone: var(--off); --tone-ground: var(--off-ground); --tone-line: var(--off-line); }
.verdict, .pill { background: var(--tone-ground); color: var(--tone); }

.pill { display: inline-flex; align-items: baseline; gap: 0.375em; padding: 0.125rem 0.625rem; border-radius: 999px; font-weight: 600; white-space: nowrap; }
.pill.small { padding: 0 0.5rem; font-size: 0.8125rem; }
.sign { font-weight: 700; }

nav { display: flex; flex-wrap: wrap; gap: 0.375rem; margin-bottom: 0.75rem; }
.jump { display: inline-flex; align-items: baseline; gap: 0.5rem; max-width: 100%; padding: 0.1875rem 0.625rem 0.1875rem 0.25rem; border: 1px solid var(--edge); border-radius: 999px; background: var(--card); text-decoration: none; font-size: 0.875rem; }
.jump:hover { border-color: var(--tone-line, var(--off-line)); }

.card { background: var(--card); border: 1px solid var(--edge); border-left: 4px solid var(--tone-line); border-radius: 8px; padding: 0.875rem 1.125rem 1rem; }
.card + .card { margin-top: 0.75rem; }
.card > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 0.625rem; }
.card h3 { font-size: 1.0625rem; font-weight: 650; }
.kind { color: var(--quiet); font-size: 0.8125rem; }
.pills { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.375rem; margin-left: auto; }
.sentence { margin-top: 0.25rem; font-size: 1rem; }
.remedy, .note { margin-top: 0.125rem; color: var(--quiet); }
.note { margin-top: 0.625rem; color: var(--warning); }

.life-of { margin-top: 1.75rem; }
.line { position: relative; }
.track { position: relative; height: 0.875rem; border-radius: 4px; background: var(--track); overflow: hidden; }
.track > span { position: absolute; inset: 0 auto 0 var(--from); width: var(--size); }
.lived { background: var(--good-line); }
.late { background: var(--warning-line); }
.window { background: repeating-linear-gradient(-45deg, var(--warning-line) 0 2px, transparent 2px 7px); }
.dead { background: var(--error-line); }
.error .lived { background: var(--off-line); }
.line.open .track { border-radius: 4px 0 0 4px; -webkit-mask-image: linear-gradient(90deg, #000 82%, transparent); mask-image: linear-gradient(90deg, #000 82%, transparent); }
.tick { position: absolute; top: -0.1875rem; bottom: -0.1875rem; left: var(--at); width: 3px; margin-left: -1.5px; background: var(--warning-line); box-shadow: 0 0 0 1px var(--card); }
.tick.end { background: var(--error-line); }
.now { position: absolute; top: -0.375rem; bottom: -0.375rem; left: var(--at); width: 2px; margin-left: -1px; background: var(--text); }
.now > span { position: absolute; bottom: 100%; left: 0; transform: translateX(calc(-1 * var(--at))); white-space: nowrap; font-size: 0.75rem; font-weight: 600; line-height: 1.2; }

.moments { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem 1rem; margin-top: 0.625rem; }
.moment dt { display: flex; align-items: center; white-space: nowrap; gap: 0.375rem; color: var(--quiet); font-size: 0.8125rem; }
.mark { width: 0.625rem; height: 0.625rem; border-radius: 2px; background: var(--tone-line); }
.mark.born { background: var(--off-line); }
.mark.due { background: var(--warning-line); }
.mark.end { background: var(--error-line); }
.moment .away { display: block; font-weight: 600; }
.moment time, .when .utc { color: var(--quiet); font-size: 0.8125rem; }
.here::after { content: " · "; }

.failure { margin-top: 0.875rem; padding: 0.5rem 0.75rem; border-radius: 6px; background: var(--off-ground); }
.failure.ongoing { background: var(--error-ground); }
.failure.ongoing .failure-head { color: var(--error); }
.failure-head { font-size: 0.875rem; }
.message { margin-top: 0.125rem; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); gap: 0.1875rem 1.5rem; margin-top: 0.875rem; padding-top: 0.75rem; border-top: 1px solid var(--edge); font-size: 0.875rem; }
.fact { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: 0.5rem; align-items: baseline; }
.fact dt { color: var(--quiet); }

.events, .traffic { list-style: none; padding: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; }
.events li { display: grid; grid-template-columns: 8.5rem minmax(6rem, 12rem) minmax(0, 1fr); gap: 0.125rem 1rem; padding: 0.4375rem 1.125rem; }
.events li + li, .traffic li + li { border-top: 1px solid var(--edge); }
.when { display: flex; flex-direction: column; }
.who { font-weight: 600; }
.traffic li { padding: 0.4375rem 1.125rem; }
.quiet, footer { color: var(--quiet); }
footer { margin-top: 1.5rem; font-size: 0.8125rem; }

@media (max-width: 40rem) {
  body { padding: 0.75rem 0.75rem 1.5rem; }
  .card { padding: 0.75rem 0.75rem 0.875rem; }
  .pills { margin-left: 0; width: 100%; }
  .moments { gap: 0.5rem; }
  .moment dt { gap: 0.25rem; font-size: 0.75rem; }
  .here, .utc { display: block; }
  .here::after { content: none; }
  .fact { grid-template-columns: 5.25rem minmax(0, 1fr); }
  .events li { grid-template-columns: 1fr; padding: 0.5rem 0.75rem; }
  .when { flex-direction: row; gap: 0.5rem; justify-content: space-between; }
}
@media (prefers-contrast: more) {
  :root { --edge: currentColor; }
}
@media (forced-colors: active) {
  .track > .lived, .tick, .now, .mark { forced-color-adjust: none; }
}
@media print {
  .card, .events li { break-inside: avoid; }
}
`
