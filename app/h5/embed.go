// Package h5 holds the pages a consumer sees after a scan: html/template sources,
// one inline style, one deferred script. It has no build step and loads nothing from
// anywhere else: the verdict must be in the first answer, in a shop's basement too.
//
// Budget, held by a test: a page at most 14 KiB gzipped with its style, the style at
// most 8 KiB, the script at most 30 KiB. Everything works with scripts off. What only the
// leader's desk shows is styled in desk.css, which no scan carries.
package h5

import "embed"

// Files are templates/*.html, static/*.css and static/app.js.
//
//go:embed templates static
var Files embed.FS
