package web

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// picturesDir names the folder where screenshots go, for people to look at.
const picturesDir = "MLOPS_TEST_SCREENSHOTS"

const (
	browserPatience = 3 * time.Minute
	wide, tall      = 1100, 800
	narrow          = 400
)

// browser is a headless Chromium at the pages of an engine.
type browser struct {
	ctx  context.Context // chromedp keeps its browser in there
	base string

	mu       sync.Mutex
	troubles []string
}

// browse starts a browser. Without one the test fails in CI, and is skipped
// elsewhere, with the reason.
func browse(t *testing.T, c Config) *browser {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../../tools/chromium.sh").Output()
	if err != nil {
		reason := err.Error()
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			reason = string(failed.Stderr)
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("find a browser: %s", reason)
		}
		t.Skipf("these pages were seen by no browser: %s", reason)
	}
	server := httptest.NewServer(Handler(c))
	t.Cleanup(server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(strings.TrimSpace(string(out))),
		chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits until it has ended
			t.Error(err)
		}
		cancel()
	})
	b := &browser{ctx: ctx, base: server.URL}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	call(t, b, log.Enable, cdp.Empty{})
	call(t, b, network.Enable, network.EnableParams{})
	return b
}

// listen notes what the browser complains of, and what it asks others for.
func (b *browser) listen(event any) {
	trouble := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		trouble = e.Entry.Text
	case *runtime.EventExceptionThrown:
		trouble = e.ExceptionDetails.Text
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.base+"/") {
			trouble = "it asks for " + e.Request.URL
		}
	}
	if trouble == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, trouble)
}

// run does what yields nothing, within reason.
func (b *browser) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	query(t, b, chromedp.Steps(steps...))
}

// query does what yields something, within reason.
func query[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// call gives one command of the browser's protocol.
func call[P, R any](t *testing.T, b *browser, command cdp.Command[P, R], params P) R {
	t.Helper()
	got, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// open shows a page in a theme and a width.
func (b *browser) open(t *testing.T, path, theme string, width int64) {
	t.Helper()
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	b.run(t, chromedp.EmulateViewport(width, tall), chromedp.Navigate(b.base+path))
}

// check evaluates a script that returns a list of complaints.
func (b *browser) check(t *testing.T, what, script string) {
	t.Helper()
	for _, complaint := range query(t, b, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise)) {
		t.Errorf("%s: %s", what, complaint)
	}
}

// keep writes a screenshot where somebody wants to see it.
func (b *browser) keep(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv(picturesDir)
	if dir == "" {
		return
	}
	const best = 100
	picture := query(t, b, chromedp.FullScreenshot(best))
	if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pictures that do not show what they should.
const pictures = `Promise.all([...document.images].map(i => i.decode().then(() => [], e => [i.currentSrc + ": " + e]))).then(all => {
	for (const i of document.images) if (!i.currentSrc.includes("theme=" + THEME)) all.push([i.currentSrc + " is of the other theme"]);
	return all.flat();
})`

// contrast complains of text that people of weak sight cannot read: below 4.5 to 1
// against what is behind it (WCAG AA).
const contrast = `(() => {
	const parse = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = e => {
		for (; e; e = e.parentElement) {
			const rect = e.querySelector(":scope > rect");
			if (rect) return getComputedStyle(rect).fill;
			const c = getComputedStyle(e).backgroundColor;
			if ((parse(c)[3] ?? 1) > 0) return c;
		}
		return "rgb(255, 255, 255)";
	};
	const out = new Set();
	const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = words.nextNode();) {
		const e = n.parentElement;
		if (!n.textContent.trim() || e.localName === "title") continue;
		const s = getComputedStyle(e), own = e.closest("svg") ? s.fill : s.color;
		const [a, b] = [light(own), light(ground(e))].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		if (ratio < 4.5) out.add(ratio.toFixed(2) + " to 1 for " + JSON.stringify(n.textContent.trim().slice(0, 40)));
	}
	return [...out];
})()`

// fits complains of what is wider than the window, but for what scrolls by itself.
const fits = `document.documentElement.scrollWidth > innerWidth ? ["it is " + document.documentElement.scrollWidth + " wide in a window of " + innerWidth] : []`

// TestInABrowser shows every page to Chromium, light and dark, wide and narrow.
func TestInABrowser(t *testing.T) { //nolint:tparallel // its parts share a window
	t.Parallel()
	b := browse(t, full(t))
	for name, path := range everything() {
		for _, theme := range []string{"light", "dark"} {
			t.Run(name+" "+theme, func(t *testing.T) { //nolint:paralleltest // one window
				b.open(t, path, theme, wide)
				b.check(t, "pictures", strings.ReplaceAll(pictures, "THEME", fmt.Sprintf("%q", theme)))
				b.check(t, "contrast", contrast)
				b.check(t, "width", fits)
				b.keep(t, name+" "+theme)
				b.open(t, path, theme, narrow)
				b.check(t, "width", fits)
				b.keep(t, name+" "+theme+" narrow")
			})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, trouble := range b.troubles {
		t.Errorf("the browser complains: %s", trouble)
	}
}

// TestByKeyboard goes through pages with the Tab key: every link and every region
// that scrolls is reached, once, in order, and can be seen to be.
func TestByKeyboard(t *testing.T) { //nolint:tparallel // its parts share a window
	t.Parallel()
	b := browse(t, full(t))
	for _, path := range []string{Root, Root + string(dev), Root + string(goodRun), Root + string(monitor), Root + "lineage/" + string(version2)} {
		t.Run(path, func(t *testing.T) { //nolint:paralleltest // one window
			b.open(t, path, "light", wide)
			reachable := query(t, b, chromedp.Evaluate[int](`window.seen = []; [...document.querySelectorAll("a[href], [tabindex], summary")].filter(e => e.checkVisibility()).length`))
			for range reachable {
				b.run(t, chromedp.KeyEvent(kb.Tab))
				b.check(t, "focus", `(() => {
					const e = document.activeElement, s = getComputedStyle(e), out = [], box = e.getBoundingClientRect();
					const marked = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 1 || e.querySelector("rect") && getComputedStyle(e.querySelector("rect")).strokeWidth === "3px";
					if (e === document.body) return ["it is on nothing"];
					if (seen.includes(e)) out.push("it is on " + e.outerHTML.slice(0, 80) + " again");
					if (!marked) out.push("it does not show on " + e.outerHTML.slice(0, 80));
					if (box.right <= 0 || box.bottom <= 0 || box.left >= innerWidth || box.top >= innerHeight) out.push("it is out of sight on " + e.outerHTML.slice(0, 80));
					seen.push(e);
					return out;
				})()`)
			}
		})
	}
}

// TestSkipLink: the first key leads past what all pages begin with, and Enter
// follows it.
func TestSkipLink(t *testing.T) {
	t.Parallel()
	b := browse(t, full(t))
	b.open(t, Root+string(monitor), "dark", wide)
	b.run(t, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	if where := query(t, b, chromedp.Evaluate[string](`location.hash`)); where != "#main" {
		t.Errorf("it leads to %q", where)
	}
}

// TestLinksAreFollowed clicks from the environments to a run, as a person would.
func TestLinksAreFollowed(t *testing.T) {
	t.Parallel()
	b := browse(t, full(t))
	b.open(t, Root, "light", wide)
	for _, link := range []string{dev.Name(), pipeline.Name(), goodRun.Name()} {
		_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.Search(fmt.Sprintf(`//main//a[normalize-space()=%q]`, link))))
		if err != nil {
			t.Fatalf("follow %s: %v", link, err)
		}
	}
	if at, want := query(t, b, chromedp.Location()), b.base+Root+string(goodRun); at != want {
		t.Errorf("at %s, want %s", at, want)
	}
}
