// Package admin holds the operators' panel (管理后台) as it was built. Its sources are
// TypeScript and need Node; the program does not: without a build the folder dist/app is
// missing, and whoever serves the panel says how to make it.
//
// Vite builds into dist/app, so that it never deletes dist/.gitignore, the one file of
// dist that is committed: go:embed needs something to embed.
package admin

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// App returns the built panel, and whether there is one.
func App() (fs.FS, bool) {
	app, err := fs.Sub(dist, "dist/app")
	if err != nil {
		return nil, false
	}
	_, err = fs.Stat(app, "index.html")
	return app, err == nil
}
