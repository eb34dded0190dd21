export const STYLE = `
:root{--paper:#fff;--card:#f7f8fa;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--accent:#0b5cad;--c1:#2a78b8;--c2:#c2571a;--c3:#2e8b57;--c4:#8a5fb0;--c5:#b8892a;--c6:#4b6b7c}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1a2029;--ink:#e6eaf0;--soft:#9aa6b5;--line:#333d4a;--accent:#7cb8f2;--c1:#5aa7e0;--c2:#f09a5f;--c3:#63c08a;--c4:#b894dc;--c5:#dfb75c;--c6:#8fb0c2}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:860px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.9rem;margin:0 0 4px}h2{font-size:1.35rem;margin:40px 0 12px;padding-top:12px;border-top:1px solid var(--line)}h3{font-size:1.05rem;margin:0 0 8px}
p{margin:0 0 10px}a{color:var(--accent)}
.stamp,figcaption{color:var(--soft);font-size:.78rem;overflow-wrap:anywhere}
.findings{padding-left:0;list-style:none;margin:0}
.findings li{background:var(--card);border-left:4px solid var(--c2);border-radius:6px;padding:14px 16px;margin:0 0 14px}
.nothing{background:var(--card);border-left:4px solid var(--c3);border-radius:6px;padding:12px 16px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 14px;margin:0}dt{color:var(--soft)}dd{margin:0}
figure{margin:0 0 26px;padding:16px;border:1px solid var(--line);border-radius:8px}
figcaption{margin-top:10px}
svg{width:100%;height:auto;display:block}.chart svg{max-width:660px}
.drawing{margin:0 0 14px;overflow-x:auto}.drawing svg{min-width:520px}.p{white-space:nowrap}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px 5px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:600}.n{text-align:right}
.number{font-size:2.2rem;font-weight:700;margin:0}.error{color:var(--c2)}
details{margin:6px 0}summary{cursor:pointer;color:var(--soft)}
pre{background:var(--card);padding:12px;border-radius:6px;overflow-x:auto;font-size:.78rem;white-space:pre-wrap;overflow-wrap:anywhere}
@media (max-width:520px){dl{grid-template-columns:1fr}dt{margin-top:6px}figure{padding:12px 10px}h1{font-size:1.5rem}}
@media print{:root{--paper:#fff;--card:#f4f4f4;--ink:#000;--soft:#444;--line:#bbb;--accent:#000}body{font-size:11pt}main{max-width:none;padding:0}figure,.findings li{break-inside:avoid}h2,h3{break-after:avoid}a{text-decoration:none}}
`
