package e2e_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// webPage is a page of the Temporal Web UI in a real browser.
type webPage struct {
	t      *testing.T
	tab    context.Context //nolint:containedctx // chromedp's handle of the tab is a context
	base   string
	secret string
}

// width and height of the window, wide enough for lines that do not wrap on a desktop.
const width, height = 1400, 900

// webUIPatience is long enough for a busy machine.
const webUIPatience = 30 * time.Second

var webUIAddress = regexp.MustCompile(`Web UI +(\S+)`)

// webUI opens a browser for the Web UI of this stack. It ends with the test.
func (s *system) webUI(browser string) *webPage {
	s.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser),
		// Its sandbox refuses root and needs what containers do not grant; it opens
		// only our pages.
		chromedp.NoSandbox,
		chromedp.Flag("lang", "en-US"),
		chromedp.Env("TZ=UTC"),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...) // not the test's: it has to end in the clean-up, and be waited for
	tab, _ := chromedp.NewContext(allocator)
	s.t.Cleanup(func() {
		_ = chromedp.Cancel(tab)
		end()
	})
	require.NoError(s.t, chromedp.Do(tab, chromedp.EmulateViewport(width, height)), "start the browser")
	address := webUIAddress.FindStringSubmatch(s.dev.output.String())
	require.NotNil(s.t, address)
	return &webPage{t: s.t, tab: tab, base: address[1], secret: s.variable("LINK_TOKEN_DEMO")}
}

// on runs one action on the page.
func on[T any](p *webPage, what string, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, webUIPatience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	require.NoError(p.t, err, what)
	return result
}

func (p *webPage) open(path string) {
	p.t.Helper()
	on(p, "open "+path, chromedp.Navigate(p.base+path))
}

// click clicks on the link with this text as soon as it exists. It clicks on the
// element, not on its position: positions change while the page loads.
func (p *webPage) click(words string) {
	p.t.Helper()
	on(p, "click on "+words, chromedp.PollFunction[bool](`words => {
		const link = [...document.querySelectorAll("a")].find(a => a.innerText.includes(words));
		link?.click();
		return !!link;
	}`, chromedp.WithPollingArgs(words)))
}

// follow opens the target of a link in a frame. A click would open a new tab.
func (p *webPage) follow(words string) {
	p.t.Helper()
	address := on(p, "find the link "+words, chromedp.PollFunction[string](`words => [...document.querySelectorAll("iframe")]
		.flatMap(f => [...f.contentDocument?.querySelectorAll("a") ?? []])
		.find(a => a.innerText == words)?.href`, chromedp.WithPollingArgs(words)))
	on(p, "open "+address, chromedp.Navigate(address))
}

func (p *webPage) press(key string) {
	p.t.Helper()
	on(p, "press "+key, chromedp.KeyEvent(key))
}

// text returns the visible text of the page and of its frames, in which the Web UI
// renders Markdown. White space is one blank.
func (p *webPage) text() string {
	p.t.Helper()
	text := on(p, "read the page", chromedp.Evaluate[string](`[document, ...[...document.querySelectorAll("iframe")]
		.filter(f => f.clientHeight > 0 && f.contentDocument).map(f => f.contentDocument)]
		.map(d => d.body?.innerText ?? "").join("\n")`))
	require.NotContains(p.t, text, p.secret)
	return strings.Join(strings.Fields(text), " ")
}

// document returns the HTML of the page and its frames.
func (p *webPage) document() string {
	p.t.Helper()
	return on(p, "read the document", chromedp.Evaluate[string](`[document, ...[...document.querySelectorAll("iframe")]
		.filter(f => f.contentDocument).map(f => f.contentDocument)].map(d => d.documentElement?.outerHTML ?? "").join("\n")`))
}

// shows waits until all parts are visible.
func (p *webPage) shows(parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		p.showsLike(regexp.QuoteMeta(part))
	}
}

// showsLike waits until a text that matches is visible, and returns its groups.
func (p *webPage) showsLike(pattern string) []string {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	var text string
	for end := time.Now().Add(webUIPatience); time.Now().Before(end); {
		text = p.text()
		if found := wanted.FindStringSubmatch(text); found != nil {
			return found
		}
		if strings.Contains(text, "Internal Error Try a refresh") { // the Web UI itself, on a busy machine
			on(p, "do as it says", chromedp.Reload())
		}
		on(p, "let the page work", chromedp.Evaluate[chromedp.Void](`new Promise(done => setTimeout(done, 50))`, chromedp.EvalAwaitPromise))
	}
	p.t.Fatalf("the page does not show %q:\n%s", pattern, text)
	return nil
}

// screenshot takes the page without the header and the menu of the Web UI.
func (p *webPage) screenshot(file string) {
	p.t.Helper()
	picture := on(p, "screenshot", chromedp.Screenshot(chromedp.CSS("main")))
	require.NoError(p.t, os.WriteFile(file, picture, 0o644))
}
