import { BASE, DELTA, type World } from '#analysis/validation/world.ts';
import { runStudies } from '#analysis/validation/run-world.ts';
const d=(p:object)=>({...BASE.reference,...p});
const sig=(x:number,c:number,w:number)=>1/(1+Math.exp((x-c)/w));
const worlds: Record<string, Partial<World>> = {
  eff2_overlap: {effect:()=>2*DELTA,sigma:DELTA,arm:d({gap:.36}),reference:d({gap:.28})},
  eff2_near1: {effect:()=>2*DELTA,sigma:DELTA,rates:1,arm:d({gap:.32}),reference:d({gap:.30})},
  eff2_near2: {effect:()=>2*DELTA,sigma:DELTA,rates:1,arm:d({gap:.31}),reference:d({gap:.30}),seedSpread:.15},
  eff3_fgap: {effect:()=>3*DELTA,sigma:DELTA,arm:d({gap:.34}),reference:d({gap:.28}),behaviour:(t,h)=>.5*sig(t-h,-.3,.1)},
  gapN: {rates:1,arm:d({gap:.33}),reference:d({gap:.28}),behaviour:(t,h)=>.8*sig(t-h,-.25,.04),lossNoise:.03},
  gapN2: {rates:1,arm:d({gap:.33}),reference:d({gap:.28}),behaviour:(t,h)=>3*(h-t),lossNoise:.03},
  gapN3: {rates:1,arm:d({gap:.36}),reference:d({gap:.28}),behaviour:(t,h)=>3*(h-t),lossNoise:.03},
  gapN4: {rates:2,arm:d({gap:.36}),reference:d({gap:.28}),behaviour:(t,h)=>3*(h-t),lossNoise:.03, rateSpread:.1},
  gapN4c: {rates:2,arm:d({gap:.36}),reference:d({gap:.28}),behaviour:(t,h)=>3*(h-t),rateSpread:.1},
  gapN5: {rates:2,arm:d({gap:.36,speed:10}),reference:d({gap:.28}),probes:240,behaviour:(t,h)=>3*(h-t),lossNoise:.03},
  gapN6: {rates:2,arm:d({gap:.33,speed:10}),reference:d({gap:.28}),probes:240,behaviour:(t,h)=>4*(h-t),lossNoise:.03},
  gapN7: {rates:3,arm:d({gap:.38}),reference:d({gap:.28}),behaviour:(t,h)=>4*(h-t),lossNoise:.05},
  gap16: {rates:1,arm:d({gap:.33}),reference:d({gap:.28}),behaviour:(t,h)=>4*(h-t),lossNoise:.02,seedSpread:.1},
  trainN: {rates:2,arm:d({gap:.3,speed:10}),probes:240,behaviour:(t)=>.8*sig(t,1.1,.1),lossNoise:.05},
};
const which=process.argv[2]??''; const n=Number(process.argv[3]??200);
for (const [name,w] of Object.entries(worlds)) { if(!name.startsWith(which)) continue;
  const t=runStudies({name,world:{...BASE,...w},design:{kind:'fixed',blocks:8},checks:[]},0,n);
  console.log(name,t.verdicts,t.controlFailures);
}
