/**
 * The style sheet of a report: one palette, one family of type, light, dark and print.
 * Chart text is set in chart units, so its size on a phone is raised here, where the charts shrink.
 */
import { SERIES_COLOURS, SERIES_DASHES } from './charts/series-style.ts';

const LIGHT = `--paper:#fff;--ink:#1a1a1a;--muted:#5b5b5b;--rule:#d9d9d9;--faint:#f4f4f2;--band:#e9eef4;--alarm:#b00020;--alarm-paper:#fdecee;--link:#00558c;--effect:#d0814a;--same:#dfeaf3;--v-affects:#d55e00;--v-explainedBy:#b0508a;--v-noEffect:#0072b2;--v-undecided:#8a8a8a;${seriesColours('light')}`;
const DARK = `--paper:#16181b;--ink:#e9e7e2;--muted:#a9a8a4;--rule:#3c3f44;--faint:#1e2125;--band:#26303a;--alarm:#ff8a95;--alarm-paper:#3a1a1f;--link:#7cc0f0;--effect:#c06a2c;--same:#22394a;--v-affects:#f08a3c;--v-explainedBy:#dd92bd;--v-noEffect:#5ab4ea;--v-undecided:#8d8d8d;${seriesColours('dark')}`;

const PAGE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 "Source Sans 3","Helvetica Neue","Segoe UI","Liberation Sans",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
main{max-width:1000px;margin:0 auto;padding:2.5rem 1rem 4rem}
h1{font-size:1.75rem;line-height:1.25;font-weight:600;margin:.2rem 0 1rem;max-width:32em;text-wrap:balance}
h2{font-size:1.15rem;font-weight:600;margin:3rem 0 .75rem;padding-top:.6rem;border-top:1px solid var(--rule)}
p,ul{max-width:46em}
a{color:var(--link)}
.kicker{color:var(--muted);font-size:.875rem;margin:0}
.banner{border:2px solid var(--alarm);background:var(--alarm-paper);color:var(--ink);padding:.9rem 1.1rem;margin:1rem 0}
.banner p:first-child{margin-top:0}.banner p>b{color:var(--alarm);font-size:1.1em}.banner ul{margin:0;padding-left:1.2rem}
.doubts{border:1px solid var(--muted);border-left-width:3px;padding:.6rem 1rem;margin:0 0 1rem;max-width:46em;font-size:.95rem}.doubts p{margin:0 0 .3rem}.doubts ul{margin:0;padding-left:1.2rem}
.answers{list-style:none;padding:0;margin:0}
.answer{border-left:3px solid var(--verdict);padding:.1rem 0 .1rem .9rem;margin:0 0 1rem}
.answer p{margin:0}.evidence{color:var(--muted);font-size:.9rem}
.answer .mark{display:inline-block;min-width:1.35em;text-align:center;border:1px solid var(--verdict);border-radius:3px;font-size:.8em;line-height:1.4}
.scope{font-size:.9rem}.words{padding-left:1.2rem}.words li{margin-bottom:.5rem}h3{font-size:1rem;margin:1.5rem 0 .5rem}td .evidence{font-size:inherit}
figure{margin:1.75rem 0 2rem}
figcaption{color:var(--muted);font-size:.875rem;line-height:1.45;margin-top:.6rem;max-width:56em}
figcaption b{color:var(--ink);font-weight:600}
.no{color:var(--ink)}
.data{white-space:nowrap}
.panels{display:grid;gap:1.25rem 1.5rem}
.panels.wide{grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr))}
.panels.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,200px),1fr));gap:.9rem 1rem}
.panels.third{grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr))}
.panels.wide>svg{max-width:540px}
.panel-title{margin:0 0 .3rem;font-size:.75rem;line-height:1.3;color:var(--ink)}
.panel{display:flex;flex-direction:column;justify-content:flex-end}.third .panel{justify-content:flex-start}
.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.25rem;list-style:none;padding:0;margin:0 0 .75rem;max-width:none;font-size:.875rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.swatch{width:40px;height:14px;flex:none}
.scroll{overflow-x:auto;margin:1rem 0 1.5rem}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;font-size:.875rem;line-height:1.35;min-width:min(100%,30rem)}
caption{text-align:left;color:var(--muted);padding-bottom:.5rem}
caption span{display:inline-block;position:sticky;left:0;max-width:min(56em,calc(100vw - 2rem))}
caption span .no{display:inline;position:static}
th,td{text-align:left;vertical-align:top;padding:.32rem 1.1rem .32rem 0;font-weight:400;min-width:4.5em}
td:last-child,th:last-child{padding-right:0}
thead th{font-weight:600;border-bottom:1px solid var(--ink);vertical-align:bottom}
tbody tr{border-bottom:1px solid var(--rule)}
.contrasts tbody tr{border:0}.contrasts tbody{border-bottom:1px solid var(--rule)}
.contrasts td,.contrasts th{min-width:0}.contrasts tbody th,.contrasts .verdict{min-width:9em}
.number{text-align:right;white-space:nowrap;min-width:0}
.passed,.failed,.matching{white-space:nowrap}.passed{color:var(--ink)}.failed{color:var(--alarm)}
pre{margin:0;padding:.7rem .9rem;background:var(--faint);font-size:.85rem;width:max-content;min-width:100%}
details{margin:1rem 0}summary{cursor:pointer}
.files{columns:14rem;padding-left:1.2rem}
.lead{font-size:1.2rem;line-height:1.4;max-width:44em;border-left:4px solid var(--verdict);padding-left:.8rem;margin:1rem 0 .4rem}
.tally{color:var(--muted);margin:0 0 1rem}
.folded{border-top:1px solid var(--rule)}.folded h2{display:inline-block;border:0;margin:.5rem 0;padding:0}.folded>p{margin:.2rem 0 1rem}
.folded>details{margin:0}.folded>details[open]{padding-bottom:1.5rem}
section:not(.folded)+.folded{margin-top:3rem}
.legend button{display:flex;align-items:center;gap:.45rem;font:inherit;color:inherit;text-align:left;background:none;border:0;padding:.1rem .2rem;cursor:pointer}.legend button:focus-visible{outline:2px solid var(--link)}
.legend button[aria-pressed=false]{opacity:.4;text-decoration:line-through}
.tip{position:absolute;z-index:1;background:var(--ink);color:var(--paper);font-size:.8rem;line-height:1.3;padding:.25rem .5rem;max-width:20rem;pointer-events:none}
.v-affects{--verdict:var(--v-affects)}.v-explainedBy{--verdict:var(--v-explainedBy)}.v-noEffect{--verdict:var(--v-noEffect)}.v-undecided{--verdict:var(--v-undecided)}
`;

const READINGS = `
.split{margin:0 0 1.75rem}.split h3{overflow-wrap:anywhere}
.readings{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,240px),1fr));gap:.75rem}
.reading{border-top:3px solid var(--muted);padding:.3rem .1rem 0;min-width:0}.reading.fails{border-color:var(--v-affects)}.reading.passes{border-color:var(--v-noEffect)}
.reading h4{font-size:.95rem;font-weight:600;margin:.2rem 0 .4rem}.reading ol{list-style:none;margin:0;padding:0;max-width:none}
.reading li{font-size:.85rem;line-height:1.4;padding:.25rem .45rem;margin:0 0 .25rem;background:var(--faint);overflow-wrap:anywhere}
.step-text{white-space:pre-wrap}.reading li.free{background:none;color:var(--muted)}.reading li.unmet{background:none;border:1px dashed var(--muted)}
.channel{font-size:.75rem;color:var(--muted);margin-right:.2rem}.counted{white-space:nowrap}.counted.against{color:var(--alarm)}.counted.for{color:var(--link)}
`;

const CHARTS = `
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{fill:var(--muted);font-size:11.5px}
.chart.small text{font-size:10.5px}
.chart .axis-title,.chart .heading,.chart .number,.chart .mark,.chart .row-label{fill:var(--ink)}
.chart .heading{font-weight:600}
.axis,.tick{stroke:var(--muted);fill:none;stroke-width:.8}
.level{stroke:var(--rule);stroke-width:.8}
.run,.tail,.mean{fill:none;stroke:var(--series);stroke-linejoin:round}
.run{stroke-width:.7;stroke-opacity:.32}
.small .run{stroke-width:.9;stroke-opacity:.55}
.off{display:none}.chart .hot{stroke-width:2.2;stroke-opacity:1}
.tail{stroke-width:.7;stroke-opacity:.4;stroke-dasharray:1 2.5}
.mean{stroke-width:1.8;stroke-dasharray:var(--dash)}
.marker{fill:var(--series);stroke:var(--paper);stroke-width:1}.hollow .marker{fill:var(--paper);stroke:var(--series);stroke-width:1.3}
.scale-bar path{stroke:var(--ink);stroke-width:1.3;fill:none}.chart .scale-bar text{fill:var(--ink)}
.band{fill:var(--band)}
.zero{stroke:var(--muted);stroke-width:.8;stroke-dasharray:2 2}
.interval{stroke:var(--ink);stroke-width:1.3}
.estimate{fill:var(--ink);stroke:var(--ink);stroke-width:1}
.estimate.excluded{fill:var(--paper)}
.chart.heat text{font-size:10px}.verdict-marks{font-weight:600}.verdict-marks text{fill:var(--ink)}
.group-rule{stroke:var(--rule);stroke-width:.6}
.positive,.negative{fill:var(--effect)}.equivalent{fill:var(--same)}
.chart .positive-mark,.chart .negative-mark,.chart .equivalent-mark{fill:var(--ink)}
.key{display:inline-block;min-width:1.4em;text-align:center;line-height:1.3}.positive-key{background:var(--effect);color:var(--ink)}.equivalent-key{background:var(--same)}
.preset{fill:none;stroke:var(--ink);stroke-width:1.4}
.chart.shares{width:220px;height:14px}
.share-0{fill:var(--muted)}.share-1{fill:var(--v-affects)}.share-2{fill:var(--v-noEffect);fill-opacity:.55}.share-3{fill:var(--rule)}
.other{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:6 3;fill:none}.chart .other-name{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3}
.verdict-mark{stroke:var(--paper);stroke-width:.8;fill:var(--v-undecided)}.m-above,.m-below{fill:var(--v-affects)}.m-agrees,.m-identical{fill:var(--v-noEffect)}.m-undecided{fill:var(--paper);stroke:var(--v-undecided);stroke-width:1.6}
.said{white-space:pre-wrap;background:var(--faint);padding:.4rem .6rem;margin:.3rem 0;font-size:.9rem}.question{background:none;border-left:3px solid var(--rule)}.asked ul{list-style:none;padding:0}.asked li{margin:0 0 .6rem}.asked li p:first-child{margin:0}mark{background:var(--same);color:inherit}.no-wrap{white-space:nowrap}.wide-cell{display:inline-block;min-width:15em}.cross{stroke:var(--muted);stroke-width:1.4;fill:none}.mark-swatch{width:14px;height:14px;flex:none}
.pairs{display:flex;flex-wrap:wrap;gap:.8rem 2rem}.pair{display:flex;gap:.6rem}.scene{width:11rem;font-size:.85rem}.scene p{margin:0 0 .3rem}.asked .scene ul{margin:.3rem 0}.pair img{width:100%;image-rendering:pixelated;border:1px solid var(--rule)}.pair li{margin:0}
.strips{display:flex;flex-wrap:wrap;gap:0 2rem}.strips>div{min-width:12em;max-width:100%}.strips .panel-title{width:0;min-width:100%}.strips .scroll{margin-top:0}.strip{min-width:0;margin-bottom:.6rem}.strip td,.strip th{text-align:center;min-width:2.2em;padding:.15rem .3rem;font-size:.85rem;vertical-align:middle}.strip th[scope=row]{text-align:right;color:var(--muted);font-weight:400;min-width:4em;position:sticky;left:0;background:var(--paper)}.strip thead th{font-weight:400;color:var(--muted)}.ground{display:block;margin:auto}.ground-frame{fill:var(--faint);stroke:var(--rule)}.ground-wall{fill:var(--muted)}.ground-mark{font-size:9px;font-weight:600;fill:var(--ink)}.agent{fill:var(--v-affects);fill-opacity:.6}.felt rect{fill:var(--v-noEffect)}.felt path{stroke:var(--rule)}
.chart .row-label{paint-order:stroke;stroke:var(--paper);stroke-width:3}.strip-mean{stroke:var(--ink);stroke-width:1.6}
.cell{stroke:var(--paper);stroke-width:1}.cell.empty{fill:var(--faint)}.hatch{stroke:var(--muted);stroke-width:.8;fill:none}
.chart .cell-number{font-size:11.5px;paint-order:stroke;stroke-width:3}.chart .cell-number[fill="#000"]{fill:#000}.chart .cell-number[fill="#fff"]{fill:#fff}
.contour path{fill:none}.contour .under{stroke:#fff;stroke-width:3.4}.contour .over{stroke:#000;stroke-width:1.3;stroke-dasharray:5 2.5}.chart .contour text{fill:#000;font-weight:600;paint-order:stroke;stroke:#fff;stroke-width:4}
.panels.wide>.panel>svg{max-width:540px}
@media screen and (max-width:560px){.chart .cell-number{font-size:13px}.contrasts,.contrasts tbody,.contrasts tr,.contrasts td,.contrasts th,.contrasts caption{display:block}.contrasts thead{display:none}.contrasts tbody{padding:.6rem 0}.contrasts td,.contrasts th{padding:.1rem 0;text-align:left}.contrasts .pair{font-weight:600}.contrasts .of br{display:none}.contrasts .of .evidence::before{content:" · "}.contrasts .matching{margin-top:.4rem;color:var(--muted)}.contrasts .number{display:inline-block;margin-right:1rem}.contrasts .number[data-label=p]::before{content:"p ";color:var(--muted)}.contrasts .number[data-label=Blocks]::after{content:" blocks";color:var(--muted)}.chart text{font-size:14.4px}.panels.small{grid-template-columns:1fr 1fr}.chart.small text{font-size:15px}.chart.heat text{font-size:10.5px}h1{font-size:1.4rem}}
`;

const PRINT = `
@page{margin:16mm}
@media print{main{max-width:none;padding:0}body{font-size:10.5pt}figcaption,.legend{font-size:8.5pt}.panel-title{font-size:7pt}details::details-content{content-visibility:visible;block-size:auto}figure,tr,.answer,.banner,.doubts{break-inside:avoid}h2,h2+p,summary+p,h3,summary,caption,thead,.legend{break-after:avoid}summary{list-style:none}.folded h2{font-size:1.1rem}tbody{break-inside:avoid}figcaption,caption{break-before:avoid}.tip{display:none}.scroll{overflow:visible}.data{display:none}.panels.wide{grid-template-columns:1fr 1fr}.panels.small{grid-template-columns:repeat(4,1fr)}.panels.third{grid-template-columns:repeat(3,1fr)}table{font-size:8.5pt}tbody th{min-width:10em}th,td{padding-right:.6rem}pre{white-space:pre-wrap;width:auto}}
`;

/** The whole style sheet; the same for every report. */
export const PAGE_STYLE = `:root{color-scheme:light dark;${LIGHT}}@media screen and (prefers-color-scheme:dark){:root{${DARK}}}${PAGE}${READINGS}${CHARTS}${seriesRules()}${PRINT}`;

function seriesColours(theme: 'light' | 'dark'): string {
  return SERIES_COLOURS.map((colour, index) => `--s${index}:${colour[theme]};`).join('');
}

function seriesRules(): string {
  const colours = SERIES_COLOURS.map((_, index) => `.s${index}{--series:var(--s${index})}`);
  const dashes = SERIES_DASHES.map((dash, index) => `.d${index}{--dash:${dash}}`);
  return `${colours.join('')}${dashes.join('')}\n`;
}
