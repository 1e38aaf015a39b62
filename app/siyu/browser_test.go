package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a person waits for something to appear; only a failure takes so long.
const patience = 2 * time.Minute

// startChromium runs a real browser until the test ends; it talks to 127.0.0.1 only.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: scripts/test installs it", err)
	}
	flags := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.Headless,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("lang", "zh-CN")}
	for _, name := range []string{"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-dev-shm-usage", "hide-scrollbars"} {
		flags = append(flags, chromedp.Flag(name, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return ctx
}

// tab is one page in front of one person's eyes. What is shown in the phone's own
// browser (a frame) counts as part of it.
type tab struct {
	t       *testing.T
	ctx     context.Context
	chosen  chan *page.EventFileChooserOpened
	mu      sync.Mutex
	faults  []string
	targets int // buttons of our own pages that were tapped
}

// openTab opens an address in a window of a size. Whatever the page complains about
// fails the test at its end.
func openTab(t *testing.T, chromium context.Context, address string, width, height int64) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(chromium)
	b := &tab{t: t, ctx: ctx, chosen: make(chan *page.EventFileChooserOpened, 1)}
	t.Cleanup(func() {
		if t.Failed() {
			b.picture("failed")
		}
		end()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Errorf("the page complains: %s", f)
		}
	})
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning || e.Type == runtime.APITypeAssert {
				text, _ := json.Marshal(e.Args)
				b.complain("console: " + string(text))
			}
		case *runtime.EventExceptionThrown:
			b.complain("exception: " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
				b.complain(fmt.Sprintf("log: %s %s", e.Entry.Text, e.Entry.URL))
			}
		case *page.EventFileChooserOpened:
			b.chosen <- e
		}
	})
	if err := chromedp.Run(ctx); err != nil { // opens the tab, which must outlive every wait
		t.Fatal(err)
	}
	b.do(log.Enable(), page.SetInterceptFileChooserDialog(true), chromedp.EmulateViewport(width, height), chromedp.Navigate(address))
	return b
}

func (b *tab) complain(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, s)
}

func (b *tab) try(actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := b.try(actions...); err != nil {
		b.t.Fatal(err)
	}
}

// eyes are functions that every look at the page begins with. docs lists what is
// shown, the frame first, each with where it begins on the screen.
const eyes = `
const docs = () => {
  const f = document.querySelector(".cover iframe"), out = [[document, {x: 0, y: 0}]];
  if (f && f.contentDocument && f.contentDocument.body) out.unshift([f.contentDocument, f.getBoundingClientRect()]);
  return out;
};
const words = () => docs().map(([d]) => (d.querySelector(".device") || d.body || {innerText: ""}).innerText).join("\n"); // not the desk
const again = () => new Promise((r) => setTimeout(r, 25));
`

func (b *tab) ask(script string, answer any, args ...any) error {
	list, err := json.Marshal(append([]any{}, args...))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	wait := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	for {
		err = chromedp.Run(ctx, chromedp.Evaluate("(async (...args) => {"+eyes+script+"})(..."+string(list)+")", answer, wait))
		var gone *cdproto.Error
		if !errors.As(err, &gone) || !strings.Contains(gone.Message, "navigated") {
			return err
		}
		// The page went away under the question: ask the next one.
	}
}

// sees waits until all texts are shown.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	var seen bool
	if err := b.ask(`while (!args.every((s) => words().includes(s))) await again(); return true;`, &seen, texts2any(texts)...); err != nil {
		b.lost(fmt.Sprintf("%q is not shown", texts), err)
	}
	var wide string
	script := `return docs().filter(([d]) => d.documentElement.scrollWidth > d.documentElement.clientWidth).map(([d]) => d.title).join();`
	if err := b.ask(script, &wide); err != nil || wide != "" {
		b.t.Errorf("wider than the screen: %q %v", wide, err)
	}
}

func texts2any(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

// misses waits until a text is shown no more.
func (b *tab) misses(text string) {
	b.t.Helper()
	var gone bool
	if err := b.ask(`while (words().includes(args[0])) await again(); return true;`, &gone, text); err != nil {
		b.lost(fmt.Sprintf("%q is still shown", text), err)
	}
}

// now says whether a text is shown at this moment.
func (b *tab) now(text string) (shown bool) {
	b.t.Helper()
	if err := b.ask(`return words().includes(args[0]);`, &shown, text); err != nil {
		b.lost("no answer", err)
	}
	return shown
}

// target is a control that rests on the screen.
type target struct {
	X, Y, Height float64
	Name         string
	Button       bool // of a page of ours
}

// taps waits until a control with this text rests on the screen with nothing over it,
// and clicks in its middle as a finger would. It returns the control's whole text.
// Where something slides under the finger (a banner) nothing is tapped: a person
// would see it and wait.
func (b *tab) taps(text string) (name string) {
	b.t.Helper()
	at := b.clicks(text, "button,a,summary,label.tick")
	if at.Button {
		b.targets++
		if at.Height < 48 {
			b.t.Errorf("the button %q is %.0f px high, fingers need 48", text, at.Height)
		}
	}
	return at.Name
}

// writes puts words into the field with this name, label or hint, in place of what is there.
func (b *tab) writes(field, words string) {
	b.t.Helper()
	b.clicks(field, "input,textarea")
	b.do(input.DispatchKeyEvent(input.KeyDown).WithKey("a").WithModifiers(input.ModifierCtrl).WithCommands([]string{"selectAll"}), input.InsertText(words))
}

// visits opens an address as if it were printed: by pasting it where codes are scanned.
func (b *tab) visits(address string) {
	b.t.Helper()
	if b.now("关闭网页") || b.shown("关闭网页") {
		b.taps("关闭网页")
	}
	b.taps("扫一扫")
	b.writes("码值或网址", address)
	b.taps("扫码")
}

// shown says whether a control with this name is on the screen.
func (b *tab) shown(name string) (yes bool) {
	b.t.Helper()
	if err := b.ask(`return docs().some(([d]) => [...d.querySelectorAll("button,a")].some((e) => e.getAttribute("aria-label") === args[0] && e.checkVisibility()));`, &yes, name); err != nil {
		b.lost("no answer", err)
	}
	return yes
}

// saves keeps the picture with this description as a file, as a long press does.
func (b *tab) saves(alt, file string) {
	b.t.Helper()
	var text string
	err := b.ask(`
for (;; await again()) for (const [d] of docs()) for (const i of d.querySelectorAll("img")) if (i.alt.includes(args[0]) && i.complete && i.naturalWidth) {
  const bytes = new Uint8Array(await (await d.defaultView.fetch(i.src)).arrayBuffer());
  return btoa(Array.from(bytes, (x) => String.fromCharCode(x)).join(""));
}`, &text, alt)
	if err != nil {
		b.lost(fmt.Sprintf("no picture %q", alt), err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// clicks waits for the control, of some kinds, and clicks it and nothing else.
func (b *tab) clicks(text, kinds string) (at target) {
	b.t.Helper()
	for {
		at = b.aims(text, kinds)
		b.do(chromedp.MouseClickXY(at.X, at.Y))
		var slid bool
		if err := b.ask(`return window.aim !== undefined && window.aim.slid;`, &slid); err != nil {
			b.lost("no answer", err)
		}
		if !slid {
			return at
		}
	}
}

// aims finds the control; a click on anything else is swallowed once.
func (b *tab) aims(text, kinds string) (at target) {
	b.t.Helper()
	err := b.ask(`
for (let last = ""; ; await again()) {
  for (const [d, from] of docs()) {
    const named = (e) => e.getAttribute("aria-label") || e.innerText.trim() || e.labels && e.labels[0] && e.labels[0].innerText.trim() || e.placeholder || "";
    const shown = [...d.querySelectorAll(args[1])].filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled);
    const el = shown.find((e) => named(e) === args[0]) || shown.find((e) => named(e).includes(args[0]));
    if (!el) continue;
    el.scrollIntoView({block: "center"});
    const r = el.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2, X = from.x + x, Y = from.y + y;
    const top = document.elementFromPoint(X, Y), free = el.contains(d.elementFromPoint(x, y)) && (d === document || top && top.matches(".cover iframe"));
    const now = X + "," + Y;
    if (free && now === last) {
      const aim = window.aim = {slid: false};
      for (const [w] of docs()) for (const kind of ["mousedown", "click"]) w.defaultView.addEventListener(kind, (e) => {
        if (window.aim !== aim || el.contains(e.target) && !aim.slid) return;
        aim.slid = true;
        e.stopImmediatePropagation();
        e.preventDefault();
      }, {capture: true, once: true});
      return {X, Y, Height: r.height, Name: named(el), Button: d !== document && el.matches("button,.button")};
    }
    last = now;
    break;
  }
}`, &at, text, kinds)
	if err != nil {
		b.lost(fmt.Sprintf("%q cannot be tapped", text), err)
	}
	return at
}

// picks answers the file dialog that the last tap opened.
func (b *tab) picks(file string) {
	b.t.Helper()
	select {
	case e := <-b.chosen:
		b.do(dom.SetFileInputFiles([]string{file}).WithBackendNodeID(e.BackendNodeID))
	case <-time.After(patience):
		b.lost("no file dialog", context.DeadlineExceeded)
	}
}

// lost ends the test with what is on the screen.
func (b *tab) lost(what string, err error) {
	b.t.Helper()
	var text string
	if again := b.ask(`return words();`, &text); again != nil {
		text = again.Error()
	}
	b.t.Fatalf("%s: %v; the screen says:\n%s", what, err, text)
}

// picture leaves what is on the screen with the test's artifacts (go test -artifacts).
func (b *tab) picture(name string) {
	var png []byte
	if err := b.try(chromedp.CaptureScreenshot(&png)); err != nil {
		b.t.Logf("no picture: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o600); err != nil {
		b.t.Log(err)
	}
}
