//! Colours and lines, for light pages and dark ones.

/// Every colour has a contrast of at least 4.5 to what it stands on where it is text, and of 3 where it is a line.
pub(super) const SHEET: &str = "\
<style>
svg { --page: #ffffff; --box: #ffffff; --text: #1f2328; --soft: #59636e; --line: #59636e; --edge: #d1d9e0;
  --function: #bc4c00; --queue: #bf3989; --topic: #8250df; --api: #0969da; --data: #1a7f37; --alarm: #9a6700;
  --other: #59636e; --added: #1a7f37; --removed: #cf222e; --changed: #9a6700; --sign: #ffffff;
  --added-box: #dafbe1; --removed-box: #ffebe9; --changed-box: #fff8c5;
  font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif; }
@media (prefers-color-scheme: dark) { svg { --page: #0d1117; --box: #151b23; --text: #f0f6fc; --soft: #9198a1;
  --line: #9198a1; --edge: #3d444d; --function: #f0883e; --queue: #f778ba; --topic: #ab7df8; --api: #4493f8;
  --data: #3fb950; --alarm: #d29922; --other: #9198a1; --added: #3fb950; --removed: #f85149; --changed: #d29922;
  --sign: #0d1117; --added-box: #12261e; --removed-box: #25171c; --changed-box: #272115; } }
.page { fill: var(--page); }
text { fill: var(--text); }
.head { font-size: 17px; font-weight: 600; }
.name { font-size: 13px; font-weight: 600; }
.key { font-family: ui-monospace, SFMono-Regular, Menlo, 'Liberation Mono', monospace; font-size: 11.5px; }
.note { font-size: 11px; fill: var(--soft); }
.box { fill: var(--box); stroke: var(--edge); stroke-width: 1.2; }
.glyph { fill: none; stroke: var(--own); stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.function { --own: var(--function); } .queue { --own: var(--queue); } .topic { --own: var(--topic); }
.api, .route, .domain { --own: var(--api); } .secret, .store { --own: var(--data); }
.alarm { --own: var(--alarm); } .other { --own: var(--other); }
.edge { fill: none; stroke: var(--line); stroke-width: 1.5; }
.failure { stroke-dasharray: 6 4; } .alarms { stroke-dasharray: 8 3 2 3; } .read { stroke-dasharray: 1 4; stroke-linecap: round; }
.failure.same, .alarms.same, .read.same { stroke-width: 1.2; opacity: 0.75; }
.edge.added { stroke: var(--added); stroke-width: 2.4; }
.edge.removed { stroke: var(--removed); stroke-width: 2.4; stroke-dasharray: 5 4; }
.edge.changed { stroke: var(--changed); stroke-width: 2.4; }
.node.added .box { stroke: var(--added); fill: var(--added-box); stroke-width: 2; }
.node.removed .box { stroke: var(--removed); fill: var(--removed-box); stroke-width: 2; stroke-dasharray: 5 4; }
.node.changed .box { stroke: var(--changed); fill: var(--changed-box); stroke-width: 2; }
.badge text { font-size: 13px; font-weight: 700; text-anchor: middle; fill: var(--sign); }
.badge.added circle { fill: var(--added); } .badge.removed circle { fill: var(--removed); }
.badge.changed circle { fill: var(--changed); }
.tip { fill: var(--line); } .tip.added { fill: var(--added); } .tip.removed { fill: var(--removed); }
.tip.changed { fill: var(--changed); }
</style>";

/// The tips of lines.
pub(super) const ARROWS: &str = "\
<defs>
<marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip\" d=\"M0 1l9 4l-9 4z\"/></marker>
<marker id=\"arrow-added\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"12\" markerHeight=\"12\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip added\" d=\"M0 1l9 4l-9 4z\"/></marker>
<marker id=\"arrow-removed\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"12\" markerHeight=\"12\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip removed\" d=\"M0 1l9 4l-9 4z\"/></marker>
<marker id=\"arrow-changed\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"12\" markerHeight=\"12\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip changed\" d=\"M0 1l9 4l-9 4z\"/></marker>
</defs>";
