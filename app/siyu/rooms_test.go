package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house (who may import whom) as data. The test parses the files itself: a test
// that asks `go list` is answered from the test cache and goes on passing.

const module = "siyu/"

// room says what the packages of a place may import of ours. Places are matched by
// the longest prefix; a pattern ending in "/" means everything below.
type room struct {
	place string
	may   []string
	tests []string // what its tests may import on top
	why   string
}

var rooms = []room{
	{"app/siyu", []string{"app/", "handler", "handler/", "job", "model/", "wechat", "wechat/", "config"}, nil,
		"the only place where the four frameworks meet"},
	{"app/faults", []string{"model/", "wechat/simulator"}, nil,
		"the fault campaign plays WeChat and reads the tables; what it tests runs in processes of its own"},
	{"app/", nil, nil,
		"front ends are files to embed; they know nothing of the program"},
	{"handler", []string{"handler/"}, []string{"handler/"},
		"handler only mounts the audiences"},
	{"handler/web", []string{"model/"}, nil,
		"what audiences share knows none of them, and not WeChat"},
	{"handler/web/webtest", nil, nil,
		"what tests of the audiences share knows documents, not the program"},
	{"handler/", []string{"handler/web", "model/", "wechat"}, []string{"app/h5", "wechat/simulator", "handler/web/webtest"},
		"audiences do not know each other, and leave work for jobs in the outbox"},
	{"job", []string{"model/", "wechat"}, []string{"wechat/simulator"},
		"jobs read the row again; handlers and jobs meet only in the outbox"},
	{"wechat", nil, []string{"wechat/"},
		"the wire format is a library: it can be read, tested and replaced alone"},
	{"wechat/simulator", nil, []string{"wechat"},
		"a simulator that shared code with the client would share its mistakes"},
	{"config", nil, nil,
		"configuration is read before anything exists"},
	{"model/", []string{"model/"}, nil,
		"the domain does not know who asks, nor how money reaches a person"},
}

// floor is one level of the model. A package imports lower floors only, so contexts
// stay a list and not a knot. Tests may look down and up within the model.
type floor struct {
	packages []string
	why      string
}

var floors = []floor{
	{[]string{"fail"}, "empty in every normal build"},
	{[]string{"clock", "fault", "money"}, "pure words that everybody uses"},
	{[]string{"spreadsheet"}, "files that people open in a spreadsheet"},
	{[]string{"say"}, "sentences with what they are made of"},
	{[]string{"lawful"}, "words that no text of a brand for people may hold"},
	{[]string{"lift"}, "what a message earned, as arithmetic"},
	{[]string{"fresh"}, "rows kept for a second, whatever they are"},
	{[]string{"id", "seal", "code/token", "code/picture", "campaign/draw"}, "pure arithmetic without a database"},
	{[]string{"rule"}, "who is meant, as a tree of conditions"},
	{[]string{"db"}, "the only one that knows the engines"},
	{[]string{"db/dbtest", "db/dbbench"}, "a fresh schema for tests; what claims are measured against"},
	{[]string{"outbox", "audit", "replay", "ledger", "phone", "quiet"}, "what every context needs beside its own tables"},
	{[]string{"notice", "message"}, "what WeChat said and what is said to people: rows with a wake-up"},
	{[]string{"identity", "brand", "operator", "apikey"}, "who is who"},
	{[]string{"member", "product", "code", "health"}, "the consumer and the thing he holds"},
	{[]string{"consent"}, "what the consumer agreed to"},
	{[]string{"campaign/turnout", "campaign", "export", "follow", "event", "region"}, "acts over codes and members"},
	{[]string{"scan", "points", "redpacket", "referral"}, "facts of one code and one member, and who brought whom"},
	{[]string{"tier", "profile", "leader", "fraud", "issuance"}, "what is known of a member from facts"},
	{[]string{"claim", "reply", "crm", "commission", "group", "poster"}, "what joins those facts"},
	{[]string{"tag", "reach", "holdout"}, "facts about members; who may be reached now, and who is left alone"},
	{[]string{"segment/bits"}, "bitmaps of people"},
	{[]string{"segment"}, "rules over those facts"},
	{[]string{"push"}, "messages to the people of a segment"},
	{[]string{"withdrawal", "wecom", "invite", "reconcile"}, "what is earned leaves the house, what WeCom says comes in, what a code says to who follows it"},
	{[]string{"rights"}, "what the law lets a person ask of all of the above"},
	{[]string{"claim/claimtest"}, "a whole campaign for tests"},
	{[]string{"tally", "goal"}, "how many of what happened when, and what was hoped for"},
	{[]string{"insight", "extract", "progress", "find"}, "reads every table"},
}

// only are exceptions that are narrower than the floors.
var only = map[string][]string{
	// Numbers are read by SQL: importing every context would make this the knot.
	"model/insight": {"model/clock", "model/db", "model/fault", "model/id", "model/money", "model/tally"},
	"model/tally":   {"model/clock", "model/db", "model/id"},
}

// library says where a foreign package may be used. An exact path if it does not end
// in "/".
type library struct {
	path   string
	places []string
	why    string
}

var libraries = []library{
	{"github.com/silenceper/wechat/v2", nil, "its init makes a global logger print message bodies; use its sub-packages"},
	{"github.com/silenceper/wechat/", []string{"wechat"}, "WeChat's wire format is one package's business"},
	{"github.com/wechatpay-apiv3/", []string{"wechat"}, "WeChat's wire format is one package's business"},
	{"github.com/gin-gonic/", []string{"handler", "handler/", "app/siyu"}, "HTTP ends in the handlers"},
	{"github.com/hibiken/asynq", []string{"job", "app/siyu"}, "the queue is only a wake-up"},
	{"github.com/redis/", []string{"job", "app/siyu"}, "what Redis holds may be lost"},
	{"github.com/alicebob/miniredis/", []string{"app/siyu"}, "the embedded queue belongs to the program"},
	{"gorm.io/", []string{"model/"}, "SQL belongs to the context that owns the table"},
	{"gorm.io/driver/", []string{"model/db"}, "only model/db knows the engines"},
	{"github.com/glebarez/", []string{"model/db"}, "only model/db knows the engines"},
	{"github.com/go-sql-driver/", []string{"model/db", "model/db/dbtest", "model/db/dbbench"}, "only model/db and its test benches know the engines"},
	{"github.com/chromedp/", []string{"tests only"}, "the program drives no browser; its tests do"},
	{"net/http", []string{"handler", "handler/", "app/siyu", "app/faults", "wechat", "wechat/simulator"}, "a transaction that waits for a remote call holds its locks"},
}

// use says where a function of the standard library may be named; tests are free of
// it if tests is set.
type use struct {
	pkg    string
	names  []string
	places []string // files or directories
	tests  bool
	why    string
}

var uses = []use{
	{"time", []string{"Now", "Since", "Until"}, []string{"model/clock/clock.go", "wechat/client.go"}, false,
		"time comes from a clock, or tests cannot own it; the client's default is for bare tools"},
	{"time", []string{"Sleep"}, []string{"model/fail/on.go"}, false,
		"a sleep proves nothing and cannot be cancelled; wait for the event or a timer with the context; fault builds hang on purpose"},
	{"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, []string{"app/siyu/main.go", "model/db/dbtest/dbtest.go", "model/fail/on.go"}, true,
		"only config reads the environment; main hands it the function; fail points are in no build but that of the fault campaign"},
}

// under tells whether a place is named by a pattern.
func under(place, pattern string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(place, pattern)
	}
	return place == pattern
}

func anyOf(place string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return under(place, p) })
}

func roomOf(place string) (room, bool) {
	var best room
	for _, r := range rooms {
		if under(place, r.place) && len(r.place) > len(best.place) {
			best = r
		}
	}
	return best, best.place != ""
}

func floorOf(pkg string) int {
	return slices.IndexFunc(floors, func(f floor) bool { return slices.Contains(f.packages, strings.TrimPrefix(pkg, "model/")) })
}

// checkImport returns why a file in place may not import path, or "".
func checkImport(place, path string, test bool) string {
	ours, own := strings.CutPrefix(path, module)
	if !own {
		return checkLibrary(place, path, test)
	}
	if ours == place { // an external test imports what it tests
		return ""
	}
	r, ok := roomOf(place)
	if !ok {
		return "no room has this place: the house is app handler model job wechat config"
	}
	if !anyOf(ours, r.may) && !(test && anyOf(ours, r.tests)) {
		return r.why
	}
	if narrow, ok := only[place]; ok && !test && !slices.Contains(narrow, ours) {
		return "this package reads tables, not packages"
	}
	if !strings.HasPrefix(place, "model/") || test {
		return ""
	}
	from, to := floorOf(place), floorOf(ours)
	switch {
	case from < 0 || to < 0:
		return "a package of the model stands on no floor; add it to the table"
	case to >= from:
		return fmt.Sprintf("imports go down; %s: %s, %s: %s", place, floors[from].why, ours, floors[to].why)
	}
	return ""
}

// checkLibrary: tests may build what they need, but nobody may use a library that is
// allowed nowhere.
func checkLibrary(place, path string, test bool) string {
	for _, l := range libraries {
		if under(path, l.path) && !anyOf(place, l.places) && !(test && len(l.places) > 0) {
			return l.why
		}
	}
	return ""
}

// checkUse returns why a file may not name pkg.name, or "".
func checkUse(file, pkg, name string, test bool) string {
	for _, u := range uses {
		if u.pkg == pkg && slices.Contains(u.names, name) && !(test && u.tests) && !slices.Contains(u.places, file) {
			return u.why
		}
	}
	return ""
}

// checkFile returns what a source file breaks.
func checkFile(name string, src any) ([]string, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	place, test := path.Dir(name), strings.HasSuffix(name, "_test.go")
	var broken []string
	report := func(pos token.Pos, what, why string) {
		if why != "" {
			broken = append(broken, fmt.Sprintf("%s:%d: %s: %s", name, set.Position(pos).Line, what, why))
		}
	}
	names := map[string]string{} // as the file calls it -> import path
	for _, spec := range f.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		report(spec.Pos(), "imports "+target, checkImport(place, target, test))
		local := path.Base(target)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		names[local] = target
		if local == "." {
			report(spec.Pos(), "dot import", "a name must say where it comes from")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				report(n.Pos(), "func init", "what runs without being called cannot be tested or chosen")
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && names[x.Name] != "" {
				report(n.Pos(), x.Name+"."+n.Sel.Name, checkUse(name, names[x.Name], n.Sel.Name, test))
			}
		}
		return true
	})
	return broken, nil
}

func TestRooms(t *testing.T) {
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch base := d.Name(); {
		case d.IsDir() && rel != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || rel == "data"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go"):
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		files++
		broken, err := checkFile(rel, src)
		for _, b := range broken {
			t.Error(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files were looked at", files)
	}
}

// TestRoomsRefuse shows that each rule can fail.
func TestRoomsRefuse(t *testing.T) {
	for _, row := range []struct{ file, imports, body, want string }{
		{"handler/admin/a.go", "siyu/model/claim", "", ""},
		{"handler/admin/a.go", "siyu/wechat", "", ""},
		{"handler/admin/a.go", "siyu/job", "", "outbox"},
		{"handler/admin/a.go", "siyu/handler/consumer", "", "do not know each other"},
		{"handler/admin/a.go", "siyu/config", "", "do not know each other"},
		{"handler/consumer/a.go", "siyu/wechat/simulator", "", "do not know each other"},
		{"handler/consumer/a_test.go", "siyu/wechat/simulator", "", ""},
		{"handler/web/a.go", "siyu/wechat", "", "not WeChat"},
		{"handler/admin/a.go", "gorm.io/gorm", "", "owns the table"},
		{"job/a.go", "siyu/handler/web", "", "outbox"},
		{"job/a.go", "github.com/hibiken/asynq", "", ""},
		{"model/claim/a.go", "github.com/hibiken/asynq", "", "wake-up"},
		{"model/claim/a.go", "github.com/gin-gonic/gin", "", "handlers"},
		{"model/claim/a.go", "net/http", "", "locks"},
		{"model/claim/a.go", "siyu/wechat", "", "domain"},
		{"model/claim/a.go", "siyu/model/redpacket", "", ""},
		{"model/redpacket/a.go", "siyu/model/claim", "", "imports go down"},
		{"model/redpacket/a.go", "siyu/model/scan", "", "imports go down"},
		{"model/redpacket/a_test.go", "siyu/model/claim", "", ""},
		{"model/novelty/a.go", "siyu/model/db", "", "no floor"},
		{"model/claim/a.go", "github.com/glebarez/sqlite", "", "engines"},
		{"model/insight/a.go", "siyu/model/claim", "", "tables"},
		{"wechat/a.go", "siyu/model/clock", "", "library"},
		{"wechat/a.go", "github.com/silenceper/wechat/v2/util", "", ""},
		{"wechat/a.go", "github.com/silenceper/wechat/v2", "", "logger"},
		{"wechat/a_test.go", "github.com/silenceper/wechat/v2", "", "logger"},
		{"job/a.go", "github.com/silenceper/wechat/v2/util", "", "one package"},
		{"wechat/simulator/a.go", "siyu/wechat", "", "mistakes"},
		{"wechat/simulator/a_test.go", "siyu/wechat", "", ""},
		{"app/siyu/a.go", "github.com/chromedp/chromedp", "", "no browser"},
		{"app/siyu/a_test.go", "github.com/chromedp/chromedp", "", ""},
		{"config/a.go", "siyu/model/money", "", "before anything"},
		{"app/h5/a.go", "siyu/model/money", "", "embed"},
		{"app/faults/a.go", "siyu/wechat/simulator", "", ""},
		{"app/faults/a.go", "siyu/job", "", "processes of its own"},
		{"model/fail/a.go", "siyu/model/clock", "", "imports go down"},
		{"model/fail/a.go", "os", `var _ = os.Getenv("X")`, "environment"},
		{"cmd/a.go", "siyu/model/money", "", "no room"},
		{"model/claim/a.go", "time", "var _ = time.Now", "clock"},
		{"model/claim/a_test.go", "time", "var _ = time.Now()", "clock"},
		{"model/clock/clock.go", "time", "var _ = time.Now()", ""},
		{"model/claim/a_test.go", "time", "func f() { time.Sleep(1) }", "sleep"},
		{"model/claim/a.go", "os", `var _ = os.Getenv("X")`, "environment"},
		{"model/claim/a_test.go", "os", `var _ = os.Getenv("X")`, ""},
		{"model/claim/a.go", "fmt", "func init() { fmt.Println() }", "without being called"},
	} {
		src := "package p\nimport \"" + row.imports + "\"\n" + row.body
		got, err := checkFile(row.file, src)
		text := strings.Join(got, "\n")
		if err != nil || (row.want == "") != (text == "") || !strings.Contains(text, row.want) {
			t.Errorf("%s importing %s: want %q, got %q %v", row.file, row.imports, row.want, text, err)
		}
	}
	t.Run("a renamed import does not hide", func(t *testing.T) {
		got, err := checkFile("model/claim/a.go", "package p\nimport x \"time\"\nvar _ = x.Now")
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
	})
}
