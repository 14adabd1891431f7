/* The beginning and the end of a page: its style. */
#include "hm_html.h"

/* For paper, desk and hand: figures stand side by side where there is room, tables scroll by
 * themselves. */
static const char style[] =
    ":root{--ink:#1c2430;--soft:#5a6675;--line:#dfe4ea;--paper:#fff;--wash:#f4f6f9;--deep:#0b3c5d;"
    "--warn:#fff6e0;--warn-line:#e3b341}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;color-scheme:light}\n"
    "body{margin:0;background:var(--wash);color:var(--ink);line-height:1.5;"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu "
    "Sans\",sans-serif}\n"
    "header.top{background:linear-gradient(135deg,#071c2c,#0b3c5d 55%,#1d6a8a);color:#fff;"
    "padding:2.2rem 1rem 1.8rem}\n"
    "header.top>div,main,footer{max-width:1180px;margin:0 auto}\n"
    "h1{font-size:clamp(1.5rem,4.5vw,2.3rem);line-height:1.2;margin:0;letter-spacing:-.01em;"
    "overflow-wrap:anywhere}\n"
    "header.top p{margin:.5rem 0 0;color:#c9dfea;overflow-wrap:anywhere}\n"
    "main{padding:1rem}\n"
    "section{background:var(--paper);border:1px solid var(--line);border-radius:12px;"
    "padding:1.1rem 1.2rem 1.3rem;margin:0 0 1.2rem;box-shadow:0 1px 3px #1c24300d}\n"
    "h2{font-size:1.35rem;margin:.1rem 0 .3rem;color:var(--deep)}\n"
    "h3{font-size:1.02rem;margin:1.3rem 0 .4rem;color:var(--deep)}\n"
    "p{margin:.4rem 0;max-width:75ch}\n"
    ".soft{color:var(--soft);font-size:.92rem}\n"
    "code,.code{font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,\"DejaVu Sans Mono\",monospace;"
    "font-size:.86em;overflow-wrap:anywhere}\n"
    "pre.code{background:var(--wash);border:1px solid var(--line);border-radius:8px;padding:.7rem;"
    "white-space:pre-wrap;margin:.4rem 0}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.6rem;"
    "margin:.8rem 0}\n"
    ".tile{background:var(--wash);border:1px solid var(--line);border-radius:10px;"
    "padding:.55rem .7rem}\n"
    ".tile b{display:block;font-size:1.25rem;font-weight:650;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere;line-height:1.25}\n"
    ".tile span{color:var(--soft);font-size:.82rem}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));"
    "gap:1rem}\n"
    "figure{margin:0;border:1px solid var(--line);border-radius:10px;padding:.6rem .7rem .7rem;"
    "min-width:0;background:#fff}\n"
    "figure.wide{grid-column:1/-1}\n"
    "figure svg,figure img{display:block;width:100%;height:auto}\n"
    "figure.wide>svg{max-width:860px;margin:0 auto}\n"
    "figcaption{font-weight:600;margin:.1rem 0 .4rem;font-size:.98rem}\n"
    "figcaption small{display:block;font-weight:400;color:var(--soft)}\n"
    "details{margin-top:.5rem}\n"
    "summary{cursor:pointer;color:#12608a;font-size:.9rem}\n"
    ".scroll{overflow-x:auto;-webkit-overflow-scrolling:touch;margin:.4rem 0}\n"
    "table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;"
    "min-width:100%}\n"
    "th,td{padding:.28rem .6rem;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}\n"
    "thead th{color:var(--soft);font-weight:600;border-bottom:2px solid var(--line);"
    "background:var(--wash);position:sticky;top:0}\n"
    "tbody tr:hover{background:#f0f6fa}\n"
    ".l{text-align:left}\n"
    "td.w,dd{white-space:normal;overflow-wrap:anywhere}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.9rem;"
    "margin:.5rem 0}\n"
    "dt{color:var(--soft)}dd{margin:0}\n"
    ".warn{background:var(--warn);border:1px solid var(--warn-line);border-radius:8px;"
    "padding:.5rem .8rem;margin:.6rem 0;font-size:.92rem}\n"
    ".warn p{max-width:none;margin:.2rem 0}\n"
    ".shape{display:grid;gap:6px;align-items:stretch}\n"
    ".fill{position:relative}\n"
    "figure .fill svg{position:absolute;inset:0;height:100%}\n"
    "footer{color:var(--soft);font-size:.85rem;padding:0 1rem 2rem}\n"
    "@media(max-width:560px){section{padding:.9rem .8rem 1rem;border-radius:10px}"
    "main{padding:.6rem}figure{padding:.5rem}}\n"
    "@media print{body{background:#fff}section{break-inside:avoid;box-shadow:none}"
    "details>*{display:block}}\n";

void hm_html_begin(FILE *out, const char *title, const char *lead) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          /* The page asks nobody: also a reader that would is told so. */
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    hm_html_text(out, title);
    fprintf(out,
            "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header class=\"top\"><div>\n<h1>",
            style);
    hm_html_text(out, title);
    fputs("</h1>\n", out);
    if (lead) {
        fputs("<p>", out);
        hm_html_text(out, lead);
        fputs("</p>\n", out);
    }
    fputs("</div></header>\n<main>\n", out);
}

void hm_html_end(FILE *out, const char *foot) {
    fputs("</main>\n<footer>", out);
    hm_html_text(out, foot);
    fputs("</footer>\n</body>\n</html>\n", out);
}
